//! A connection came to be, made or accepted.

use super::{EventHeader, reader::Reader};
use crate::address::Address;

/// From sock_ops.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EstablishedEvent {
    /// Common to all.
    pub header: EventHeader,
    /// How long connecting took; 0 where it was accepted or its start wasn't seen.
    pub connect_ns: u64,
    /// Near side.
    pub local: Address,
    /// Far side.
    pub remote: Address,
    /// Near side, host order.
    pub local_port: u16,
    /// Far side, host order.
    pub remote_port: u16,
    /// One of [`crate::flow::role`].
    pub role: u8,
    /// Always zero.
    pub pad: [u8; 3],
}

const _: () = assert!(size_of::<EstablishedEvent>() == 72);

impl EstablishedEvent {
    pub(super) fn decode(header: EventHeader, mut r: Reader<'_>) -> Option<Self> {
        Some(Self {
            header,
            connect_ns: r.u64()?,
            local: Address { octets: r.array()? },
            remote: Address { octets: r.array()? },
            local_port: r.u16()?,
            remote_port: r.u16()?,
            role: r.u8()?,
            pad: r.array()?,
        })
    }
}
