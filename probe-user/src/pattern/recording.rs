//! A recorded case: calls, gauges and faults as they were seen, and what is true of the caller. One
//! JSON object a line, so that a case can be cut, joined and read by eye; replayed without root.
//! probe itself only writes them; tests add what is true, and replay them.

use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Gauge, Inbound};
use super::finding::{Backoff, Jitter};
use super::ledger::Window;

/// One line of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// What is true of a service and a dependency.
    Truth(Truth),
    /// An attempt that ended.
    Attempt(Attempt),
    /// An inbound call that ended.
    Inbound(Inbound),
    /// Calls under way.
    Gauge(Gauge),
    /// A fault that began or ended.
    Fault(Window),
    /// What was taken for two dependencies of a service is one.
    Unite {
        /// The service.
        service: u32,
        /// What is one with the other.
        gone: u32,
        /// The other.
        into: u32,
    },
    /// Events were lost.
    Lost {
        /// When that was seen.
        at_ns: u64,
        /// When it was looked before.
        #[serde(default = "not_known")]
        from_ns: u64,
    },
    /// The verdict is asked for.
    Ask {
        /// When.
        at_ns: u64,
    },
}

/// What is true of a service and a dependency, as far as the case gave it every chance to show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Truth {
    /// Who is meant, in words.
    pub case: String,
    /// The process.
    pub service: u32,
    /// The dependency.
    pub dependency: u32,
    /// Whether each pattern is to be observed; what isn't named isn't judged.
    pub timeout: Option<bool>,
    /// See `timeout`.
    pub retry: Option<bool>,
    /// See `timeout`.
    pub circuit_breaker: Option<bool>,
    /// See `timeout`.
    pub bulkhead: Option<bool>,
    /// See `timeout`.
    pub fallback: Option<bool>,
    /// See `timeout`.
    pub load_shedding: Option<bool>,
    /// Parameters; those that aren't named aren't judged.
    pub timeout_ms: Option<f64>,
    /// Attempts of a call that comes to nothing.
    pub attempts: Option<u32>,
    /// How waits grow.
    pub backoff: Option<Backoff>,
    /// The first wait.
    pub base_ms: Option<f64>,
    /// By what waits grow.
    pub multiplier: Option<f64>,
    /// How waits differ.
    pub jitter: Option<Jitter>,
    /// How long the breaker stays open.
    pub open_ms: Option<f64>,
    /// When it opened.
    pub opened_at_ns: Vec<u64>,
    /// Calls it lets through to see.
    pub probes: Option<u32>,
    /// Calls in flight at most.
    pub limit: Option<u32>,
    /// The dependency that takes over.
    pub alternate: Option<u32>,
}

impl Line {
    /// As it is written, without a newline.
    pub fn json(&self) -> String {
        // Nothing in it can fail to serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod replay;

#[cfg(test)]
pub use replay::Recording;

/// Of recordings from before it was written down: later than any time, so that it says nothing.
fn not_known() -> u64 {
    u64::MAX
}
