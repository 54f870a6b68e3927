//! Events of connections whose bytes are divided: a ClientHello, frames of HTTP/2.

use probe_common::{
    event::{FrameEntry, FrameHead, HELLO_PREFIX, HelloEntry, SMALL_FRAGMENT, kind},
    flow::Flow,
};

use super::{Subject, emit_piece};
use crate::{conversation::Step, skb::Skb};

#[inline(always)]
pub(crate) fn hello(subject: Subject, flow: &Flow, skb: &Skb, payload: u32) {
    emit_piece::<HelloEntry>(|event| {
        // SAFETY: `event` points at room for one in the ring. What lies behind the bytes that
        // count is what was in the ring before, and nobody's business.
        unsafe {
            (*event).head.header = subject.header::<HelloEntry>(kind::HELLO);
            (*event).head.role = flow.role;
            (*event).head.pad = [0; 5];
            let to = (&raw mut (*event).prefix).cast();
            (*event).head.prefix_length = skb.load_up_to::<HELLO_PREFIX>(payload, to) as u16;
        }
    });
}

/// A piece of a frame that begins at a place of the packet; at most `N` bytes.
#[inline(always)]
pub(crate) fn frame<const N: usize>(
    subject: Subject,
    head: &FrameHead,
    skb: &Skb,
    at: u32,
    length: u32,
) {
    emit_piece::<FrameEntry<N>>(|event| {
        // SAFETY: as above.
        unsafe {
            (*event).head = *head;
            (*event).head.header = subject.header::<FrameEntry<N>>(kind::FRAME);
            (*event).head.rtt_us = skb.smoothed_rtt_us();
            let to = (&raw mut (*event).fragment).cast();
            (*event).head.fragment_length = skb.load_at_most::<N>(at, to, length) as u16;
        }
    });
}

/// Frames weren't seen, or not yet: `what` is one of [`probe_common::event::frame_kind`].
#[inline(always)]
pub(crate) fn frames_missing(subject: Subject, what: u8, role: u8, step: &Step, gap: u32) {
    emit_piece::<FrameEntry<SMALL_FRAGMENT>>(|event| {
        // SAFETY: as above.
        unsafe {
            (*event).head = FrameHead {
                header: subject.header::<FrameEntry<SMALL_FRAGMENT>>(kind::FRAME),
                kind: what,
                role,
                outgoing: step.outgoing as u8,
                gap,
                ..FrameHead::default()
            };
        }
    });
}
