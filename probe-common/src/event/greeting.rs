//! The server spoke first: nobody had asked anything on the connection yet.

use super::{EventHeader, reader::Reader};

/// Most bytes of a greeting that an event carries.
pub const GREETING_PREFIX: usize = 96;

/// From cgroup_skb, once a connection.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GreetingEvent {
    /// Common to all.
    pub header: EventHeader,
    /// One of [`crate::flow::role`].
    pub role: u8,
    /// How many bytes of `prefix` count.
    pub prefix_length: u8,
    /// Always zero.
    pub pad: [u8; 6],
    /// Its first bytes.
    pub prefix: [u8; GREETING_PREFIX],
}

const _: () = assert!(size_of::<GreetingEvent>() == 128);

impl GreetingEvent {
    pub(super) fn decode(header: EventHeader, mut r: Reader<'_>) -> Option<Self> {
        Some(Self {
            header,
            role: r.u8()?,
            prefix_length: r.u8()?,
            pad: r.array()?,
            prefix: r.array()?,
        })
    }

    /// The bytes of the prefix that count.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix[..usize::from(self.prefix_length).min(GREETING_PREFIX)]
    }
}
