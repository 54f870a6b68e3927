//! A process is about to connect: the only moment at which the kernel program runs in its
//! context, so who it is stands here.

use super::{EventHeader, reader::Reader};
use crate::address::Address;

/// From the connect hooks.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectEvent {
    /// Common to all.
    pub header: EventHeader,
    /// Process id (thread group).
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Command name of the thread, NUL-padded.
    pub comm: [u8; 16],
    /// Id of the process's cgroup in the unified hierarchy.
    pub cgroup_id: u64,
    /// Cookie of the socket's network namespace.
    pub netns_cookie: u64,
    /// Where to.
    pub remote: Address,
    /// Where to, host order.
    pub remote_port: u16,
    /// Always zero.
    pub pad: [u8; 6],
}

const _: () = assert!(size_of::<ConnectEvent>() == 88);

impl ConnectEvent {
    pub(super) fn decode(header: EventHeader, mut r: Reader<'_>) -> Option<Self> {
        Some(Self {
            header,
            pid: r.u32()?,
            tid: r.u32()?,
            comm: r.array()?,
            cgroup_id: r.u64()?,
            netns_cookie: r.u64()?,
            remote: Address { octets: r.array()? },
            remote_port: r.u16()?,
            pad: r.array()?,
        })
    }
}
