//! What the detectors are fed: calls as they end, and what is known of those that haven't.

use serde::{Deserialize, Serialize};

pub use crate::model::Outcome;

/// What a caller was waiting for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A connection.
    Connect,
    /// The answer to a request that was sent.
    #[default]
    Response,
}

impl Phase {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Response => "response",
        }
    }
}

/// One try of a service at a dependency: a request and what came of it, or a connection that
/// didn't come to be. The kernel's own retransmits are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// The calling process.
    #[serde(skip_serializing_if = "is_default")]
    pub service: u32,
    /// The calling thread; 0 where the hook couldn't tell.
    #[serde(skip_serializing_if = "is_default")]
    pub tid: u32,
    /// The connection's cookie.
    #[serde(skip_serializing_if = "is_default")]
    pub connection: u64,
    /// The stream on it, where the protocol has any.
    #[serde(skip_serializing_if = "is_default")]
    pub stream: u32,
    /// Whom it was for: a number the feeder gives.
    #[serde(skip_serializing_if = "is_default")]
    pub dependency: u32,
    /// First byte of the request, or the call to connect() where it got no further.
    #[serde(skip_serializing_if = "is_default")]
    pub began_ns: u64,
    /// First byte of the answer, or what came instead.
    #[serde(skip_serializing_if = "is_default")]
    pub ended_ns: u64,
    /// How long before `began_ns` the call to connect() was, where the connection was made for
    /// this attempt; 0 where it wasn't, or isn't known.
    #[serde(skip_serializing_if = "is_default")]
    pub connect_ns: u64,
    /// How it ended.
    #[serde(skip_serializing_if = "is_default")]
    pub outcome: Outcome,
    /// How far it got.
    #[serde(skip_serializing_if = "is_default")]
    pub phase: Phase,
    /// The protocol's own status.
    #[serde(skip_serializing_if = "is_default")]
    pub status: Option<u16>,
    /// The same for the same request made again; 0 where no request was seen.
    #[serde(skip_serializing_if = "is_default")]
    pub fingerprint: u64,
    /// It was the first on its connection.
    #[serde(skip_serializing_if = "is_default")]
    pub new_connection: bool,
    /// A fault of probe's touched it.
    #[serde(skip_serializing_if = "is_default")]
    pub faulted: bool,
}

/// A call of the service by its own callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inbound {
    /// The process called.
    #[serde(skip_serializing_if = "is_default")]
    pub service: u32,
    /// The connection's cookie.
    #[serde(skip_serializing_if = "is_default")]
    pub connection: u64,
    /// When the request's first byte reached it.
    #[serde(skip_serializing_if = "is_default")]
    pub began_ns: u64,
    /// When the answer's first byte left, or what came instead.
    #[serde(skip_serializing_if = "is_default")]
    pub ended_ns: u64,
    /// How it ended.
    #[serde(skip_serializing_if = "is_default")]
    pub outcome: Outcome,
    /// The protocol's own status.
    #[serde(skip_serializing_if = "is_default")]
    pub status: Option<u16>,
    /// The same for the same request made again.
    #[serde(skip_serializing_if = "is_default")]
    pub fingerprint: u64,
}

/// Calls under way from a service to a dependency, as the kernel counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gauge {
    /// The calling process.
    #[serde(skip_serializing_if = "is_default")]
    pub service: u32,
    /// Whom it calls.
    #[serde(skip_serializing_if = "is_default")]
    pub dependency: u32,
    /// When it was read.
    #[serde(skip_serializing_if = "is_default")]
    pub at_ns: u64,
    /// How many were under way.
    #[serde(skip_serializing_if = "is_default")]
    pub in_flight: u32,
    /// The most there were at once.
    #[serde(skip_serializing_if = "is_default")]
    pub in_flight_max: u32,
    /// When the one that waits longest began; 0 where that isn't known.
    #[serde(skip_serializing_if = "is_default")]
    pub oldest_ns: u64,
}

/// What is as it would be read where it isn't there need not be written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
