//! A call that ended, and how.

use serde::{Deserialize, Serialize};

use super::{PartyIndex, ledger::FaultId};
use crate::protocol::Protocol;

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered, and well.
    #[default]
    Ok,
    /// Answered with an error.
    Error,
    /// The other side reset the connection.
    Reset,
    /// Nobody listened.
    Refused,
    /// No connection came to be.
    ConnectTimeout,
    /// The caller left while an answer was due.
    Abandoned,
    /// The other side closed without an answer.
    Closed,
}

impl Outcome {
    /// All there are, in the order of their declaration.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Error,
        Self::Reset,
        Self::Refused,
        Self::ConnectTimeout,
        Self::Abandoned,
        Self::Closed,
    ];

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::Abandoned => "abandoned",
            Self::Closed => "closed",
        }
    }

    /// Whether whoever called had to do without a good answer.
    pub fn failed(self) -> bool {
        self != Self::Ok
    }

    /// Whether an answer came.
    pub fn is_answered(self) -> bool {
        matches!(self, Self::Ok | Self::Error)
    }
}

/// A call that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Whose call it was; `None` before the model has said so.
    pub party: Option<PartyIndex>,
    /// Cookie of the connection.
    pub cookie: u64,
    /// Which stream of the connection; 0 where it has none.
    pub stream: u32,
    /// When it began: its first byte, or the attempt to connect.
    pub began_ns: u64,
    /// When it ended: its answer's first byte, or what came instead.
    pub ended_ns: u64,
    /// How long it had waited by then.
    pub waited_ns: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The protocol's own status, where it has one.
    pub status: Option<u16>,
    /// Hash of the request: the same for the same request made again.
    pub fingerprint: u64,
    /// What was spoken.
    pub protocol: Protocol,
    /// The connection's round-trip time when it was answered, microseconds; 0 where it isn't known.
    pub rtt_us: u32,
    /// When its connection was asked for, or accepted; 0 where that wasn't seen.
    pub connected_ns: u64,
    /// When its connection came to be; 0 where that wasn't seen.
    pub established_ns: u64,
    /// Which request of its connection it was, from 1; 0 for an attempt to connect.
    pub number: u32,
    /// Process that connected; 0 where it isn't known.
    pub pid: u32,
    /// Its thread that connected; 0 where it isn't known.
    pub tid: u32,
    /// The fault that touched a packet of it.
    pub fault: FaultId,
}
