//! One step from header to header: a global function, which the verifier checks once, by itself,
//! instead of once for each of the hundreds of steps a segment may take.

use aya_ebpf::{bindings::__sk_buff, helpers::bpf_ktime_get_ns};
use probe_common::{
    event::LARGE_FRAGMENT,
    flow::{Flow, framing, role},
    framing::{HTTP2_HEADER, TLS_HEADER},
};

use super::{framed, http2, tls, walk_of};
use crate::{
    conversation::turns::{Place, Sight},
    skb::Skb,
};

/// Where a segment is being walked.
///
/// Plain words without padding, as whoever is handed it knows no more of it than its size.
#[repr(C)]
pub(crate) struct Step {
    pub(crate) cookie: u64,
    pub(crate) now_ns: u64,
    /// Where in the packet the next byte lies.
    pub(crate) at: u32,
    /// Where the packet ends.
    pub(crate) end: u32,
    /// One where the near side sent it.
    pub(crate) outgoing: u32,
    /// One where it goes to the server.
    pub(crate) towards_server: u32,
    /// Bits of [`mark`].
    pub(crate) marks: u32,
    /// How many bytes belong before the segment's that haven't passed yet.
    pub(crate) ahead: u32,
    /// Sequence number of the segment's first byte.
    pub(crate) sequence: u32,
    /// Which gap it fills, where it is late.
    pub(crate) gap: u32,
}

/// Bits of [`Step::marks`].
pub(crate) mod mark {
    /// TLS: the client's change of cipher is in this segment.
    pub(crate) const CHANGES_CIPHER: u32 = 1;
    /// HTTP/2: what was behind the segment passed before it.
    pub(crate) const LATE: u32 = 2;
}

impl Step {
    #[inline(always)]
    pub(super) fn new(cookie: u64, flow: &Flow, sight: &Sight, place: Place, payload: u32) -> Self {
        let (passed_before, ahead) = match place {
            Place::Overlapping(bytes) => (bytes, 0),
            Place::Ahead(bytes) => (0, bytes),
            Place::Old | Place::Next => (0, 0),
        };
        Self {
            cookie,
            // SAFETY: a helper call without arguments.
            now_ns: unsafe { bpf_ktime_get_ns() },
            at: payload.wrapping_add(passed_before),
            end: sight.skb.len(),
            outgoing: u32::from(sight.outgoing),
            towards_server: u32::from(sight.outgoing == (flow.role == role::CLIENT)),
            marks: 0,
            ahead,
            sequence: sight.segment.sequence,
            gap: 0,
        }
    }
}

/// Goes on by a header, or by what follows it; zero where there is no way on.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn probe_step(raw: *mut __sk_buff, step: *mut Step, flow: *mut Flow) -> u32 {
    // SAFETY: the caller's own; the verifier makes sure that each is what it says, or nothing.
    match unsafe { (step.as_mut(), flow.as_mut()) } {
        (Some(step), Some(flow)) => go_on(&Skb::new(raw), step, flow).is_some().into(),
        _ => 0,
    }
}

#[inline(always)]
fn go_on(skb: &Skb, step: &mut Step, flow: &mut Flow) -> Option<()> {
    let outgoing = step.outgoing != 0;
    let left = step.end.saturating_sub(step.at);
    let is_tls = flow.framing == framing::TLS;
    let length = if is_tls { TLS_HEADER } else { HTTP2_HEADER };
    let walk = walk_of(framed(flow), outgoing);
    if u32::from(walk.held) < length {
        if walk.held == 0 && left >= HTTP2_HEADER {
            let to = (&raw mut walk.header).cast();
            // SAFETY: the room is more than nine bytes.
            unsafe { skb.load(step.at, to, HTTP2_HEADER) }.ok()?;
            step.at += length;
        } else {
            // Where a header is cut in two, byte by byte.
            let place = usize::from(walk.held & 15);
            let to = (&raw mut walk.header).cast::<u8>();
            // SAFETY: the room is sixteen bytes.
            unsafe { skb.load(step.at, to.add(place), 1) }.ok()?;
            step.at += 1;
            walk.held += 1;
            if u32::from(walk.held) < length {
                return Some(());
            }
        }
        walk.held = length as u8;
        if is_tls {
            tls::record_begins(skb, step, flow)?;
        } else {
            http2::frame_begins(step, flow);
        }
    }
    let left = step.end.saturating_sub(step.at);
    let walk = walk_of(framed(flow), outgoing);
    let mut taken = left.min(walk.remaining);
    if !is_tls && http2::is_told(walk.header[3]) {
        taken = taken.min(LARGE_FRAGMENT as u32);
        http2::tell(skb, step, flow, taken);
    }
    let walk = walk_of(framed(flow), outgoing);
    walk.remaining = walk.remaining.wrapping_sub(taken);
    if walk.remaining == 0 {
        walk.held = 0;
    }
    step.at += taken;
    Some(())
}
