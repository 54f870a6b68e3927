//! What the observer keeps for a connection, and what it groups connections by.

use crate::{address::Address, event::REQUEST_PREFIX, framing::Framed};

/// Connections known at once; beyond, the longest idle one is forgotten.
pub const MAX_FLOWS: u32 = 131_072;

/// Which end of a connection a socket is.
pub mod role {
    /// Not known yet.
    pub const UNKNOWN: u8 = 0;
    /// It connected: requests go out, answers come in.
    pub const CLIENT: u8 = 1;
    /// It was accepted: requests come in, answers go out.
    pub const SERVER: u8 = 2;
}

/// Where a connection stands in the turns of requests and answers.
pub mod state {
    /// Being made.
    pub const CONNECTING: u8 = 0;
    /// No request is waiting.
    pub const IDLE: u8 = 1;
    /// A request waits for its answer.
    pub const WAITING: u8 = 2;
    /// The answer has begun.
    pub const ANSWERING: u8 = 3;
    /// It ended, and that was told.
    pub const ENDED: u8 = 4;
}

/// Bits of [`Flow::flags`].
pub mod flag {
    /// It was there before the observer: who connected is not known from a hook.
    pub const FOUND: u8 = 1;
    /// What the server said before it was asked anything was told.
    pub const GREETED: u8 = 2;
}

/// How a connection's bytes are divided, as far as the kernel programs go by it.
pub mod framing {
    /// Nothing that they read: a change of direction is a turn.
    pub const TURNS: u8 = 0;
    /// TLS records.
    pub const TLS: u8 = 1;
    /// HTTP/2 frames.
    pub const HTTP2: u8 = 2;
    /// Datagrams: each is a DNS message.
    pub const DATAGRAM: u8 = 3;
}

/// What connections are grouped by: who, in which role, with whom.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerKey {
    /// Client: the remote address. Server: zero, all callers of a port count as one.
    pub address: Address,
    /// Cookie of the network namespace; 0 where it isn't known.
    pub netns_cookie: u64,
    /// Id of the socket's cgroup in the unified hierarchy.
    pub cgroup_id: u64,
    /// Process id of the caller; 0 where it isn't known, as for servers.
    pub pid: u32,
    /// Client: remote port. Server: local port. Host order.
    pub port: u16,
    /// One of [`role`].
    pub role: u8,
    /// Transport protocol number.
    pub protocol: u8,
}

/// State of one connection, by socket cookie.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// When connecting began, then when the waiting request's first byte passed.
    pub since_ns: u64,
    /// Payload bytes sent.
    pub bytes_out: u64,
    /// Payload bytes received.
    pub bytes_in: u64,
    /// Cookie of the network namespace; 0 where it isn't known.
    pub netns_cookie: u64,
    /// Handle of its peer's slot; see [`crate::peer`].
    pub peer: u32,
    /// How many requests it carried.
    pub requests: u32,
    /// Sequence number that the next new byte sent will have.
    pub next_out: u32,
    /// Sequence number that the next new byte received will have.
    pub next_in: u32,
    /// Process id of the caller; 0 where it isn't known.
    pub pid: u32,
    /// One of [`role`].
    pub role: u8,
    /// One of [`state`].
    pub state: u8,
    /// Bits of [`flag`].
    pub flags: u8,
    /// One where `next_out` and `next_in` hold: bit 0 out, bit 1 in.
    pub sequenced: u8,
    /// One of [`framing`].
    pub framing: u8,
    /// How many bytes of `request` count.
    pub request_length: u8,
    /// Always zero.
    pub pad: [u8; 2],
    /// One while a segment that came in is looked at: another CPU with the next one waits for it.
    pub receiving: u32,
    /// The first bytes of the request that waits, in words so that they are copied as such; where
    /// the connection's bytes are divided, a [`Framed`] instead.
    pub request: [u64; REQUEST_PREFIX / 8],
}

const _: () = assert!(size_of::<Framed>() <= REQUEST_PREFIX);

impl Flow {
    /// Nothing known yet.
    pub const EMPTY: Self = Self {
        since_ns: 0,
        bytes_out: 0,
        bytes_in: 0,
        netns_cookie: 0,
        peer: 0,
        requests: 0,
        next_out: 0,
        next_in: 0,
        pid: 0,
        role: role::UNKNOWN,
        state: state::CONNECTING,
        flags: 0,
        sequenced: 0,
        framing: framing::TURNS,
        request_length: 0,
        pad: [0; 2],
        receiving: 0,
        request: [0; REQUEST_PREFIX / 8],
    };
}

const _: () = assert!(size_of::<PeerKey>() == 40);
const _: () = assert!(size_of::<Flow>() == 160);

// SAFETY: `#[repr(C)]`, integers and arrays of them only, no padding that the compiler adds
// (the assertion above counts every byte), any bit pattern valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for PeerKey {}

// SAFETY: as above.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Flow {}
