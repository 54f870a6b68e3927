//! A DNS server answered over UDP: what names applications are told which addresses for.

use super::{EventHeader, reader::Reader};

/// Most bytes of a DNS message that an event carries.
pub const MESSAGE_PREFIX: usize = 512;

/// From cgroup_skb, at the socket that asked; the message's bytes follow it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageHead {
    /// Common to all.
    pub header: EventHeader,
    /// How many bytes follow that count.
    pub length: u16,
    /// Always zero.
    pub pad: [u8; 6],
}

const _: () = assert!(size_of::<MessageHead>() == 32);

/// As it lies in the ring.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct MessageEntry {
    /// What is told of it.
    pub head: MessageHead,
    /// Its bytes, as far as there is room.
    pub bytes: [u8; MESSAGE_PREFIX],
}

const _: () = assert!(size_of::<MessageEntry>() == 544);

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageEvent<'a> {
    /// What is told of it.
    pub head: MessageHead,
    /// Its bytes; of a longer one the first.
    pub bytes: &'a [u8],
}

impl<'a> MessageEvent<'a> {
    pub(super) fn decode(header: EventHeader, mut r: Reader<'a>) -> Option<Self> {
        let head = MessageHead {
            header,
            length: r.u16()?,
            pad: r.array()?,
        };
        let bytes = r.bytes(MESSAGE_PREFIX)?;
        let length = usize::from(head.length).min(MESSAGE_PREFIX);
        Some(Self {
            head,
            bytes: &bytes[..length],
        })
    }
}
