//! A request was answered: both are told at once, when the answer's first byte passes.

use super::{EventHeader, reader::Reader};

/// Most bytes of a request that an event carries.
pub const REQUEST_PREFIX: usize = 96;
/// Most bytes of an answer that an event carries.
pub const ANSWER_PREFIX: usize = 48;

/// From cgroup_skb. The header's time is that of the answer's first byte: at the caller's socket,
/// or leaving the server's.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallEvent {
    /// Common to all.
    pub header: EventHeader,
    /// Time since the request's first byte.
    pub latency_ns: u64,
    /// Which request of the connection it was, from 1.
    pub number: u32,
    /// The socket's smoothed round-trip time, microseconds; 0 where it isn't known.
    pub rtt_us: u32,
    /// One of [`crate::flow::role`].
    pub role: u8,
    /// One of [`crate::flow::framing`].
    pub framing: u8,
    /// How many bytes of `request` count.
    pub request_length: u8,
    /// How many bytes of `answer` count.
    pub answer_length: u8,
    /// Always zero.
    pub pad: u32,
    /// The request's first bytes.
    pub request: [u8; REQUEST_PREFIX],
    /// The answer's first bytes.
    pub answer: [u8; ANSWER_PREFIX],
}

const _: () = assert!(size_of::<CallEvent>() == 192);

impl CallEvent {
    pub(super) fn decode(header: EventHeader, mut r: Reader<'_>) -> Option<Self> {
        Some(Self {
            header,
            latency_ns: r.u64()?,
            number: r.u32()?,
            rtt_us: r.u32()?,
            role: r.u8()?,
            framing: r.u8()?,
            request_length: r.u8()?,
            answer_length: r.u8()?,
            pad: r.u32()?,
            request: r.array()?,
            answer: r.array()?,
        })
    }

    /// The bytes of the request that count.
    pub fn request(&self) -> &[u8] {
        &self.request[..usize::from(self.request_length).min(REQUEST_PREFIX)]
    }

    /// The bytes of the answer that count.
    pub fn answer(&self) -> &[u8] {
        &self.answer[..usize::from(self.answer_length).min(ANSWER_PREFIX)]
    }
}
