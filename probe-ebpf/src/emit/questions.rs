//! Events of DNS over UDP: a question answered or given up, and what an answer says.

use probe_common::{
    event::{ANSWER_PREFIX, CallEvent, CloseEvent, MESSAGE_PREFIX, MessageEntry, ending, kind},
    flow::framing,
    question::Question,
};

use super::{Subject, emit, emit_piece};
use crate::skb::Skb;

#[inline(always)]
pub(crate) fn question_answered(
    subject: Subject,
    question: *const Question,
    latency_ns: u64,
    skb: &Skb,
    payload: u32,
) {
    emit::<CallEvent>(|event| {
        // SAFETY: `event` points at room for one, `question` into its map; the
        // request's words are as long as its bytes, and both begin where words may.
        unsafe {
            (*event).header = subject.header::<CallEvent>(kind::CALL);
            (*event).latency_ns = latency_ns;
            (*event).number = (*question).number;
            (*event).rtt_us = 0;
            (*event).role = (*question).role;
            (*event).framing = framing::DATAGRAM;
            (*event).request_length = (*question).request_length;
            (*event).pad = 0;
            *(&raw mut (*event).request).cast() = (*question).request;
            *(&raw mut (*event).answer).cast() = [0u64; ANSWER_PREFIX / 8];
            let to = (&raw mut (*event).answer).cast();
            (*event).answer_length = skb.load_up_to::<ANSWER_PREFIX>(payload, to) as u8;
        }
    });
}

#[inline(always)]
pub(crate) fn question_given_up(subject: Subject, question: *const Question) {
    emit::<CloseEvent>(|event| {
        // SAFETY: as above.
        unsafe {
            (*event).header = subject.header::<CloseEvent>(kind::CLOSE);
            (*event).waited_ns = subject.at_ns.saturating_sub((*question).began_ns).max(1);
            (*event).bytes_out = 0;
            (*event).bytes_in = 0;
            (*event).requests = (*question).number;
            (*event).ending = ending::GONE;
            (*event).role = (*question).role;
            (*event).framing = framing::DATAGRAM;
            (*event).request_length = (*question).request_length;
            *(&raw mut (*event).request).cast() = (*question).request;
        }
    });
}

/// The whole answer, as far as there is room.
#[inline(always)]
pub(crate) fn message(subject: Subject, skb: &Skb, payload: u32) {
    emit_piece::<MessageEntry>(|event| {
        // SAFETY: as above. What lies behind the bytes that count is what was in the ring before,
        // and nobody's business.
        unsafe {
            (*event).head.header = subject.header::<MessageEntry>(kind::MESSAGE);
            (*event).head.pad = [0; 6];
            let to = (&raw mut (*event).bytes).cast();
            (*event).head.length = skb.load_up_to::<MESSAGE_PREFIX>(payload, to) as u16;
        }
    });
}
