//! Connections whose bytes are divided into TLS records or HTTP/2 frames: their headers are
//! walked from one to the next, so that what isn't a request is told from what is.

mod begin;
mod gaps;
mod http2;
mod step;
mod tls;

use aya_ebpf::bindings::__sk_buff;
use probe_common::{
    event::frame_kind,
    flow::{Flow, framing},
    framing::{Framed, Walk},
};

pub(super) use begin::{is_settings, recognised};
pub(super) use gaps::came_late;

use super::turns::{Place, Sight};
use crate::{
    atomic,
    emit::{self, Subject},
    maps::{count_shared, counters, gauges, peers},
    skb::Skb,
};
pub(crate) use step::Step;
use step::probe_step;

/// Most steps a segment is walked: records or frames, and pieces of those that are told. A
/// segment of more loses the place.
const STEPS: u32 = 512;

/// What is kept of a connection whose bytes are divided.
#[inline(always)]
fn framed(flow: &mut Flow) -> &mut Framed {
    let place: *mut Framed = (&raw mut flow.request).cast();
    // SAFETY: the words are more than a `Framed` takes, begin where words may, and any bit
    // pattern is one; while `flow.framing` says so, nothing else is kept there.
    unsafe { &mut *place }
}

#[inline(always)]
fn walk_of(framed: &mut Framed, outgoing: bool) -> &mut Walk {
    if outgoing {
        &mut framed.out
    } else {
        &mut framed.into
    }
}

/// New bytes of a connection passed.
#[inline(always)]
pub(super) fn walked(cookie: u64, flow: &mut Flow, sight: &Sight, place: Place, payload: u32) {
    let mut step = Step::new(cookie, flow, sight, place, payload);
    if step.ahead != 0 && gaps::probe_leave_gap(sight.skb.raw(), &step, flow) != 0 {
        step.ahead = 0;
    }
    probe_walk(sight.skb.raw(), &mut step, flow);
}

/// Walks a segment; always zero, because such a function has to return something.
///
/// A global function, as is each step: else the verifier would follow hundreds of steps for every
/// way that leads here.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_walk(raw: *mut __sk_buff, step: *mut Step, flow: *mut Flow) -> u32 {
    // SAFETY: the caller's own; the verifier makes sure that each is what it says, or nothing.
    if let (Some(step), Some(flow)) = unsafe { (step.as_mut(), flow.as_mut()) } {
        walk(raw, step, flow);
    }
    0
}

#[inline(always)]
fn walk(raw: *mut __sk_buff, step: &mut Step, flow: &mut Flow) {
    let outgoing = step.outgoing != 0;
    if step.ahead != 0 {
        lose(flow, step);
    }
    if walk_of(framed(flow), outgoing).lost != 0 {
        if !begin::is_plausible(flow.framing, &Skb::new(raw), step.at) {
            return;
        }
        *walk_of(framed(flow), outgoing) = Walk::default();
    }
    for _ in 0..STEPS {
        if step.at >= step.end || probe_step(raw, step, flow) == 0 {
            break;
        }
    }
    if step.at < step.end {
        lose(flow, step);
    }
}

/// From here on it isn't known where a header begins, until a segment begins with one.
#[inline(always)]
fn lose(flow: &mut Flow, step: &Step) {
    let (framing, peer, role) = (flow.framing, flow.peer, flow.role);
    let framed = framed(flow);
    let walk = walk_of(framed, step.outgoing != 0);
    if walk.lost != 0 {
        return;
    }
    walk.lost = 1;
    count_shared!(counters::observer(), places_lost);
    if framing == framing::HTTP2 {
        framed.epoch += 1;
        if step.outgoing == 0 {
            framed.gaps = 0;
        }
        close_streams(framed, peer);
        let subject = Subject::at(step.cookie, peer, step.now_ns);
        emit::frames_missing(subject, frame_kind::LOST, role, step, 0);
    }
}

/// Nothing that was open is sure to wait any more; tells how many were.
#[inline(always)]
fn close_streams(framed: &mut Framed, peer: u32) -> u64 {
    let open = &raw mut framed.open;
    // SAFETY: a word of the map, changed by atomic operations only.
    let left = unsafe {
        let left = atomic::fetch_add(open, 0);
        atomic::fetch_add(open, left.wrapping_neg());
        left
    };
    gauges::fall(peers::figures_of(peer), left);
    left
}

/// How many streams waited on a connection that ends.
#[inline(always)]
pub(super) fn ended(flow: &mut Flow) -> u64 {
    if flow.framing == framing::HTTP2 {
        let peer = flow.peer;
        close_streams(framed(flow), peer)
    } else {
        0
    }
}
