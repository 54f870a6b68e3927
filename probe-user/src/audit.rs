//! The audit log's entries: who armed what, and how it ended; one JSON document a line, each
//! chained to the one before by its hash. `audit/chain.rs` seals and verifies, `audit/when.rs`
//! writes times. Files are `kernel::audit_log`'s business.

use serde::{Deserialize, Serialize};

use crate::verdict::FaultCounters;

pub mod chain;
pub mod when;

/// The schema of an entry.
pub const SCHEMA: &str = "probe.audit/1";

/// A process that armed or ended something, and on whose behalf.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// Its real user id.
    pub uid: u32,
    /// Who became that user by sudo.
    pub sudo_user: Option<String>,
    /// The user id that somebody logged in as, whoever they became since.
    pub login_uid: Option<u32>,
    /// Its process id.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub started: u64,
    /// Which boot that was.
    pub boot: String,
    /// Its command line.
    pub command: Vec<String>,
    /// Its terminal.
    pub tty: Option<String>,
}

/// A fault, as it was armed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct What {
    /// Its name.
    pub fault: String,
    /// Its arguments.
    pub args: String,
    /// Its modifiers.
    pub modifiers: String,
    /// To packets to and from where; the first ones, where there are many.
    pub endpoints: Vec<String>,
    /// How many endpoints there are.
    pub endpoint_count: usize,
    /// In which direction.
    pub direction: String,
    /// Whose traffic or processes, where that is somebody in particular.
    #[serde(default)]
    pub near: Option<String>,
    /// In which network namespace, as it was named.
    pub netns: String,
    /// That namespace's inode.
    pub netns_inode: u64,
    /// On which interfaces.
    pub interfaces: Vec<String>,
    /// For how long, in milliseconds.
    pub duration_ms: u64,
    /// Seed of its decisions.
    pub seed: u64,
    /// What no fault touched meanwhile.
    pub never_faulted: Vec<String>,
    /// The scenario it is a step of.
    pub scenario: Option<String>,
}

/// How a fault ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// What ended it: "deadline", "operator", "guard", "death" of the process that armed it, or
    /// "error".
    pub by: String,
    /// The same in words.
    pub reason: String,
    /// How long it held, in milliseconds; missing where nobody knows.
    pub held_ms: Option<u64>,
    /// What became of packets; missing where nobody knows.
    pub counters: Option<FaultCounters>,
}

/// What an entry tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[allow(clippy::large_enum_variant)]
pub enum Event {
    /// A fault was armed.
    Armed {
        /// Which, for the entry of its end.
        injection: String,
        /// What it was.
        what: What,
    },
    /// A fault ended.
    Ended {
        /// Which.
        injection: String,
        /// How.
        ending: Ending,
    },
    /// Somebody ended every fault on the host.
    Stopped {
        /// Of how many processes.
        processes: usize,
    },
    /// What dead probes had left behind was undone.
    Cleared {
        /// Of how many.
        probes: usize,
    },
    /// The line before had been cut off.
    Recovered {
        /// How many bytes of it there were.
        bytes: usize,
        /// Their SHA-256.
        sha256: String,
    },
}

/// One line of the log, but for its hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its number in the log, from 1.
    pub seq: u64,
    /// When it was written, by the wall clock, as RFC 3339 has it.
    pub at: String,
    /// The same on CLOCK_MONOTONIC.
    pub monotonic_ns: u64,
    /// Who wrote it.
    pub who: Who,
    /// What it tells.
    #[serde(flatten)]
    pub event: Event,
    /// Hash of the entry before; zeroes for the first.
    pub prev: String,
}

#[cfg(test)]
mod tests;
