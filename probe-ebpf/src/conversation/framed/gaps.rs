//! Segments of HTTP/2 that were overtaken on their way in, as on every path that loses some. What
//! came first is gone on with, where it begins with a frame; what comes late is walked from where
//! its direction stood before it. The socket itself sees all in order: its own lock comes later.
//!
//! Global functions, called one after the other: a walk leaves hardly any room on the stack.

use core::mem::swap;

use aya_ebpf::bindings::__sk_buff;
use probe_common::{
    event::frame_kind,
    flow::{Flow, framing},
    framing::{Framed, Gap, GapKey, HTTP2_HEADER, Walk},
};

use super::{Step, begin, framed, http2, lose, probe_walk, step::mark};
use crate::{
    conversation::turns::{Place, Sight},
    emit::{self, Subject},
    maps::gaps,
    skb::Skb,
};

/// Leaves a gap before a segment that overtook others; zero where it isn't known what the segment
/// begins with.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn probe_leave_gap(
    raw: *mut __sk_buff,
    step: *const Step,
    flow: *mut Flow,
) -> u32 {
    // SAFETY: the caller's own; the verifier makes sure that each is what it says, or nothing.
    match unsafe { (step.as_ref(), flow.as_mut()) } {
        (Some(step), Some(flow)) => leave(raw, step, flow).into(),
        _ => 0,
    }
}

#[inline(always)]
fn leave(raw: *mut __sk_buff, step: &Step, flow: &mut Flow) -> bool {
    if flow.framing != framing::HTTP2 || step.outgoing != 0 {
        return false;
    }
    let (role, peer) = (flow.role, flow.peer);
    let framed = framed(flow);
    let last_stream = framed.last_stream;
    let walk = &mut framed.into;
    if walk.lost != 0 {
        return false;
    }
    // Whether all that is missing belongs to one frame of which nothing is told.
    let is_within = u32::from(walk.held) == HTTP2_HEADER
        && walk.remaining >= step.ahead
        && !http2::is_told(walk.header[3]);
    if !is_within && !begin::is_plausible(framing::HTTP2, &Skb::new(raw), step.at) {
        return false;
    }
    let key = key_of(step.cookie, step.sequence.wrapping_sub(step.ahead));
    let mut gap = Gap {
        walk: *walk,
        end: step.sequence,
        last_stream,
        number: key.begin,
        pad: 0,
    };
    if is_within {
        gap.walk.remaining = step.ahead;
    }
    if !gaps::put(&key, &gap) {
        return false;
    }
    if is_within {
        walk.remaining = walk.remaining.wrapping_sub(step.ahead);
        if walk.remaining == 0 {
            walk.held = 0;
        }
    } else {
        *walk = Walk::default();
        let subject = Subject::at(step.cookie, peer, step.now_ns);
        emit::frames_missing(subject, frame_kind::OVERTAKES, role, step, key.begin);
    }
    if framed.gaps == 0 {
        framed.gaps_begin = key.begin;
    }
    framed.gaps += 1;
    framed.gaps_end = step.sequence;
    true
}

#[inline(always)]
fn key_of(cookie: u64, begin: u32) -> GapKey {
    GapKey {
        cookie,
        begin,
        pad: 0,
    }
}

/// A segment came of which all, or the beginning, was taken for passed before: where a gap was left
/// for it, it fills that.
#[inline(always)]
pub(crate) fn came_late(cookie: u64, flow: &mut Flow, sight: &Sight) {
    let payload = u32::from(sight.segment.payload);
    let mut step = Step::new(cookie, flow, sight, Place::Next, payload);
    let length = probe_turn_to_gap(&mut step, flow);
    if length != 0 {
        probe_walk(sight.skb.raw(), &mut step, flow);
        let behind = sight.skb.len().wrapping_sub(payload).wrapping_sub(length);
        probe_turn_back_from_gap(&step, flow, length, behind);
    }
}

/// Puts the connection back to where it stood before a gap; tells how many bytes of the segment
/// belong there, zero where there is no gap.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_turn_to_gap(step: *mut Step, flow: *mut Flow) -> u32 {
    // SAFETY: as above.
    let (Some(step), Some(flow)) = (unsafe { step.as_mut() }, unsafe { flow.as_mut() }) else {
        return 0;
    };
    let framed = framed(flow);
    if framed.gaps == 0 {
        return 0;
    }
    let key = key_of(step.cookie, step.sequence);
    let Some(gap) = gaps::get(&key) else {
        let begins_before = (step.sequence.wrapping_sub(framed.gaps_end) as i32) < 0;
        let length = step.end.wrapping_sub(step.at);
        let end = step.sequence.wrapping_add(length);
        if begins_before && end.wrapping_sub(framed.gaps_begin) as i32 > 0 {
            // Cut otherwise than it was the first time, or in another order.
            lose(flow, step);
        }
        return 0;
    };
    // SAFETY: a valid pointer into the map; of what comes in one segment is looked at at a time,
    // and where one didn't wait for its turn what is read there is wrong, and no more than that.
    let gap = unsafe { &mut *gap };
    if (step.sequence.wrapping_sub(framed.gaps_begin) as i32) < 0 {
        // From before a loss, and void with it.
        gaps::remove(&key);
        return 0;
    }
    let length = step.end.wrapping_sub(step.at);
    let length = length.min(gap.end.wrapping_sub(step.sequence));
    step.end = step.at.wrapping_add(length);
    step.marks = mark::LATE;
    step.gap = gap.number;
    exchange(step, framed, gap);
    length
}

/// Goes on from where the connection stood before [`probe_turn_to_gap`], so many bytes of the segment
/// having filled the gap and so many being behind it; always zero.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_turn_back_from_gap(
    step: *const Step,
    flow: *mut Flow,
    length: u32,
    behind: u32,
) -> u32 {
    // SAFETY: as above.
    let (Some(step), Some(flow)) = (unsafe { step.as_ref() }, unsafe { flow.as_mut() }) else {
        return 0;
    };
    let mut key = key_of(step.cookie, step.sequence);
    let Some(gap) = gaps::get(&key) else {
        // It had to make room just now; where the connection stands is gone with it.
        lose(flow, step);
        return 0;
    };
    // SAFETY: as above.
    let gap = unsafe { &mut *gap };
    exchange(step, framed(flow), gap);
    if step.towards_server != 0 && framed(flow).last_stream < gap.last_stream {
        framed(flow).last_stream = gap.last_stream;
    }
    let next = step.sequence.wrapping_add(length);
    let is_filled = next == gap.end;
    if step.sequence == framed(flow).gaps_begin {
        // What comes once more from here on is no surprise.
        framed(flow).gaps_begin = next;
    }
    if is_filled && gap.walk.held != 0 {
        // What came first didn't begin with a frame after all.
        lose(flow, step);
    } else if !is_filled && gap.walk.lost == 0 {
        key.begin = next;
        gaps::put(&key, gap);
        key.begin = step.sequence;
    } else if gap.walk.lost == 0 {
        framed(flow).gaps -= 1;
        if behind != 0 && framed(flow).gaps != 0 {
            // Sent again in one piece, which may reach over other gaps.
            lose(flow, step);
        }
    }
    gaps::remove(&key);
    0
}

/// What is kept of a gap takes the place of what goes on behind it, and the other way round.
#[inline(always)]
fn exchange(step: &Step, framed: &mut Framed, gap: &mut Gap) {
    swap(&mut framed.into, &mut gap.walk);
    // Towards a client it is the other direction's, which another CPU may be at.
    if step.towards_server != 0 {
        swap(&mut framed.last_stream, &mut gap.last_stream);
    }
}
