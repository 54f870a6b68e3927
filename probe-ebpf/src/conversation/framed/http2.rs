//! HTTP/2 frames (RFC 9113, section 4): each stream is a request and its answer.

use probe_common::{
    event::{FrameHead, LARGE_FRAGMENT, SMALL_FRAGMENT, frame_kind},
    flow::Flow,
    framing::{Stream, StreamKey},
};

use super::{Step, framed, step::mark, walk_of};
use crate::{
    atomic,
    emit::{self, Subject},
    maps::{count_shared, gauges, peers, streams},
    skb::Skb,
};

/// Whether frames of a type are told to user space.
#[inline(always)]
pub(super) fn is_told(kind: u8) -> bool {
    matches!(
        kind,
        frame_kind::HEADERS
            | frame_kind::RST_STREAM
            | frame_kind::PUSH_PROMISE
            | frame_kind::GOAWAY
            | frame_kind::CONTINUATION
    )
}

/// A frame's header is there.
#[inline(always)]
pub(super) fn frame_begins(step: &Step, flow: &mut Flow) {
    let walk = walk_of(framed(flow), step.outgoing != 0);
    let [a, b, c, kind, ..] = walk.header;
    walk.remaining = u32::from(a) << 16 | u32::from(b) << 8 | u32::from(c);
    let stream = stream_of(&walk.header);
    if kind == frame_kind::HEADERS {
        if step.towards_server != 0 {
            asked(step, flow, stream);
        } else {
            answered(step, flow, stream);
        }
    } else if kind == frame_kind::RST_STREAM {
        reset(step, flow, stream);
    }
}

#[inline(always)]
fn stream_of(header: &[u8; 16]) -> u32 {
    u32::from_be_bytes([header[5] & 0x7f, header[6], header[7], header[8]])
}

#[inline(always)]
fn asked(step: &Step, flow: &mut Flow, stream: u32) {
    let framed = framed(flow);
    if stream <= framed.last_stream {
        // Its trailers.
        return;
    }
    framed.last_stream = stream;
    let key = StreamKey {
        cookie: step.cookie,
        stream,
        pad: 0,
    };
    if step.marks & mark::LATE != 0 && streams::is_known(&key) {
        // Its reset overtook it; or these are its trailers, in another gap than its headers.
        return;
    }
    let began = Stream {
        began_ns: step.now_ns,
        epoch: framed.epoch,
        pad: 0,
    };
    streams::put(&key, &began);
    // SAFETY: a word of the map, changed by atomic operations only.
    unsafe { atomic::fetch_add(&raw mut framed.open, 1) };
    flow.requests += 1;
    let figures = peers::figures_of(flow.peer);
    count_shared!(figures.counters(), requests);
    gauges::rise(figures);
}

#[inline(always)]
fn answered(step: &Step, flow: &mut Flow, stream: u32) {
    if let Some(began) = no_longer_waits(step, flow, stream) {
        let figures = peers::figures_of(flow.peer);
        count_shared!(figures.counters(), answers);
        figures.record_latency(step.now_ns.saturating_sub(began.began_ns));
    }
}

#[inline(always)]
fn reset(step: &Step, flow: &mut Flow, stream: u32) {
    if no_longer_waits(step, flow, stream).is_some() {
        let counters = peers::figures_of(flow.peer).counters();
        if step.towards_server != 0 {
            count_shared!(counters, abandoned);
        } else {
            count_shared!(counters, cut_off);
        }
    } else if step.towards_server != 0 && step.outgoing == 0 && framed(flow).gaps != 0 {
        let key = StreamKey {
            cookie: step.cookie,
            stream,
            pad: 0,
        };
        streams::put(&key, &Stream::default());
    }
}

#[inline(always)]
fn no_longer_waits(step: &Step, flow: &mut Flow, stream: u32) -> Option<Stream> {
    let key = StreamKey {
        cookie: step.cookie,
        stream,
        pad: 0,
    };
    let began = streams::take(&key).filter(|it| it.began_ns != 0)?;
    let framed = framed(flow);
    if began.epoch == framed.epoch {
        // SAFETY: as above.
        unsafe { atomic::fetch_add(&raw mut framed.open, u64::MAX) };
        gauges::fall(peers::figures_of(flow.peer), 1);
    }
    Some(began)
}

/// Sends the next `length` bytes of a frame to user space.
#[inline(always)]
pub(super) fn tell(skb: &Skb, step: &Step, flow: &mut Flow, length: u32) {
    let (role, peer) = (flow.role, flow.peer);
    let walk = walk_of(framed(flow), step.outgoing != 0);
    if length == 0 && walk.remaining > 0 {
        // The rest is in another segment.
        return;
    }
    let [a, b, c, kind, flags, ..] = walk.header;
    let frame_length = u32::from(a) << 16 | u32::from(b) << 8 | u32::from(c);
    let head = FrameHead {
        stream: stream_of(&walk.header),
        frame_length,
        offset: frame_length.wrapping_sub(walk.remaining),
        kind,
        flags,
        role,
        outgoing: step.outgoing as u8,
        late: u8::from(step.marks & mark::LATE != 0),
        gap: step.gap,
        ..FrameHead::default()
    };
    let subject = Subject::at(step.cookie, peer, step.now_ns);
    if length <= SMALL_FRAGMENT as u32 {
        emit::frame::<SMALL_FRAGMENT>(subject, &head, skb, step.at, length);
    } else {
        emit::frame::<LARGE_FRAGMENT>(subject, &head, skb, step.at, length);
    }
}
