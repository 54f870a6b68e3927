//! Connections whose bytes are divided into TLS records or HTTP/2 frames: their headers are
//! walked from one to the next, so that what isn't a request is told from what is.

mod begin;
mod http2;
mod step;
mod tls;

use probe_common::{
    flow::{Flow, framing},
    framing::{Framed, Walk},
};

pub(super) use begin::{is_settings, recognised};

use super::turns::{Place, Sight};
use crate::{
    atomic,
    emit::{self, Subject},
    maps::{count_shared, counters, gauges},
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
    let end = sight.skb.len();
    let skipped = match place {
        Place::Overlapping(bytes) => bytes,
        _ => 0,
    };
    let mut step = Step::new(cookie, flow, sight, payload + skipped, end);
    if let Place::Ahead = place {
        lose(flow, &step);
    }
    if walk_of(framed(flow), sight.outgoing).lost != 0 {
        if !begin::is_plausible(flow.framing, &sight.skb, step.at) {
            return;
        }
        let walk = walk_of(framed(flow), sight.outgoing);
        *walk = Walk::default();
    }
    for _ in 0..STEPS {
        if step.at >= step.end || probe_step(sight.skb.raw(), &mut step, flow) == 0 {
            break;
        }
    }
    if step.at < step.end {
        lose(flow, &step);
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
        close_streams(framed, peer);
        emit::frames_lost(Subject::at(step.cookie, peer, step.now_ns), role, step);
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
    gauges::fall(peer, left);
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
