//! Which fault a call was in. The model asks, once a call; whoever can look into the injectors
//! answers.

use std::fmt;

use probe_common::{
    address::protocol,
    connection::{End, hashes},
    event::EstablishedEvent,
};

/// What the injectors know a connection by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// Hash of the packets one way and of those the other; `None` where the ends aren't known.
    pub flows: Option<[u64; 2]>,
    /// The socket's cookie.
    pub cookie: u64,
}

/// A fault that a [`Ledger`] knows, by number from 1; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FaultId(pub u16);

impl FaultId {
    /// No fault.
    pub const NONE: Self = Self(0);
}

/// A time for which a fault was armed, on CLOCK_MONOTONIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    /// The fault.
    pub fault: FaultId,
    /// What kind of fault: "delay".
    pub kind: &'static str,
    /// Since when.
    pub from_ns: u64,
    /// Until when it is, or was.
    pub to_ns: u64,
}

/// Who knows which packets were touched.
pub trait Ledger: fmt::Debug + Send {
    /// The fault that touched a packet of a connection between two times, both included.
    fn fault(&mut self, wire: &Wire, from_ns: u64, to_ns: u64) -> FaultId;

    /// Looks for faults that were armed since; to be called often, as it can't be asked about one
    /// that came and went in between.
    fn refresh(&mut self);

    /// When which faults were armed: the latest of them, as far as they are remembered.
    fn spells(&self) -> &[Spell];

    /// What a fault is called: "delay 200ms". `None` for none, and for one it doesn't know.
    fn name(&self, id: FaultId) -> Option<&str>;
}

impl Wire {
    /// Hashes of a TCP connection's packets, one way and the other.
    pub(super) fn flows(near: &End, far: &End) -> [u64; 2] {
        [
            hashes(near, far, protocol::TCP).flow,
            hashes(far, near, protocol::TCP).flow,
        ]
    }

    /// The same, of one that came to be.
    pub(super) fn flows_of(established: &EstablishedEvent) -> [u64; 2] {
        let near = End {
            address: established.local,
            port: established.local_port,
        };
        let far = End {
            address: established.remote,
            port: established.remote_port,
        };
        Self::flows(&near, &far)
    }
}
