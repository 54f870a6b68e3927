//! An answer's first byte reached the caller's socket, or left the server's.

use super::{EventHeader, reader::Reader};

/// Most bytes of an answer that an event carries.
pub const ANSWER_PREFIX: usize = 48;

/// From cgroup_skb.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerEvent {
    /// Common to all.
    pub header: EventHeader,
    /// Time since the request's first byte.
    pub latency_ns: u64,
    /// Which request of the connection it answers, from 1.
    pub number: u32,
    /// One of [`crate::flow::role`].
    pub role: u8,
    /// How many bytes of `prefix` count.
    pub prefix_length: u8,
    /// Always zero.
    pub pad: u16,
    /// The answer's first bytes.
    pub prefix: [u8; ANSWER_PREFIX],
}

const _: () = assert!(size_of::<AnswerEvent>() == 88);

impl AnswerEvent {
    pub(super) fn decode(header: EventHeader, mut r: Reader<'_>) -> Option<Self> {
        Some(Self {
            header,
            latency_ns: r.u64()?,
            number: r.u32()?,
            role: r.u8()?,
            prefix_length: r.u8()?,
            pad: r.u16()?,
            prefix: r.array()?,
        })
    }

    /// The bytes of the prefix that count.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix[..usize::from(self.prefix_length).min(ANSWER_PREFIX)]
    }
}
