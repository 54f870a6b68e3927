//! A connection began with a TLS ClientHello.

use super::{EventHeader, reader::Reader};

/// Most bytes of a ClientHello that an event carries.
pub const HELLO_PREFIX: usize = 512;

/// From cgroup_skb, once a connection; its first bytes follow it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HelloHead {
    /// Common to all.
    pub header: EventHeader,
    /// How many bytes follow that count.
    pub prefix_length: u16,
    /// One of [`crate::flow::role`].
    pub role: u8,
    /// Always zero.
    pub pad: [u8; 5],
}

const _: () = assert!(size_of::<HelloHead>() == 32);

/// As it lies in the ring.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HelloEntry {
    /// What is told of it.
    pub head: HelloHead,
    /// Its first bytes, from the record's header on.
    pub prefix: [u8; HELLO_PREFIX],
}

const _: () = assert!(size_of::<HelloEntry>() == 544);

/// A ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloEvent<'a> {
    /// What is told of it.
    pub head: HelloHead,
    /// Its first bytes, from the record's header on.
    pub prefix: &'a [u8],
}

impl<'a> HelloEvent<'a> {
    pub(super) fn decode(header: EventHeader, mut r: Reader<'a>) -> Option<Self> {
        let head = HelloHead {
            header,
            prefix_length: r.u16()?,
            role: r.u8()?,
            pad: r.array()?,
        };
        let prefix = r.bytes(HELLO_PREFIX)?;
        let length = usize::from(head.prefix_length).min(HELLO_PREFIX);
        Some(Self {
            head,
            prefix: &prefix[..length],
        })
    }
}
