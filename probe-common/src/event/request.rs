//! A request's first byte left the caller's socket, or reached the server's.

use super::{EventHeader, reader::Reader};

/// Most bytes of a request that an event carries.
pub const REQUEST_PREFIX: usize = 96;

/// From cgroup_skb.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestEvent {
    /// Common to all.
    pub header: EventHeader,
    /// Which request of the connection this is, from 1.
    pub number: u32,
    /// One of [`crate::flow::role`].
    pub role: u8,
    /// How many bytes of `prefix` count.
    pub prefix_length: u8,
    /// Always zero.
    pub pad: u16,
    /// The request's first bytes.
    pub prefix: [u8; REQUEST_PREFIX],
}

const _: () = assert!(size_of::<RequestEvent>() == 128);

impl RequestEvent {
    pub(super) fn decode(header: EventHeader, mut r: Reader<'_>) -> Option<Self> {
        Some(Self {
            header,
            number: r.u32()?,
            role: r.u8()?,
            prefix_length: r.u8()?,
            pad: r.u16()?,
            prefix: r.array()?,
        })
    }

    /// The bytes of the prefix that count.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix[..usize::from(self.prefix_length).min(REQUEST_PREFIX)]
    }
}
