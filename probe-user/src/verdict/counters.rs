//! The proof that a fault did something, in the contract's names.

use probe_common::counters::RuleCounters;
use serde::{Deserialize, Serialize};

/// What became of the packets that one fault looked at. Those that no fault of this version
/// counts stay zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultCounters {
    /// Packets to or from its endpoints, in its direction.
    pub seen: u64,
    /// Those of them that it held for.
    pub matched: u64,
    /// Left as they were.
    pub passed: u64,
    /// Made to vanish.
    pub dropped: u64,
    /// Made to wait.
    pub delayed: u64,
    /// Changed.
    pub corrupted: u64,
    /// Sent twice.
    pub duplicated: u64,
    /// Sent out of order.
    pub reordered: u64,
    /// Answered with a reset.
    pub reset: u64,
    /// Connections refused.
    pub refused: u64,
    /// Answers rewritten.
    pub rewritten: u64,
    /// On the list that no fault touches.
    pub protected: u64,
    /// That found no room where they were to wait.
    pub overflow: u64,
    /// That could not be faulted, so were left as they were.
    pub errors: u64,
    /// Processes stopped.
    pub paused: u64,
    /// Processes that a signal ended.
    pub killed: u64,
}

impl FaultCounters {
    /// Packets, calls and processes that the fault touched.
    pub fn touched(&self) -> u64 {
        self.dropped
            + self.delayed
            + self.corrupted
            + self.duplicated
            + self.reordered
            + self.reset
            + self.refused
            + self.rewritten
            + self.paused
            + self.killed
    }

    /// What the kernel counted for a rule, and how many packets its line had no room for.
    pub fn of_rule(rule: &RuleCounters, overflow: u64) -> Self {
        Self {
            seen: rule.seen,
            matched: rule.matched,
            passed: rule.passed,
            dropped: rule.dropped,
            delayed: rule.delayed,
            corrupted: rule.corrupted,
            duplicated: rule.duplicated,
            reordered: rule.reordered,
            reset: rule.reset,
            rewritten: rule.rewritten,
            protected: rule.protected,
            errors: rule.errors,
            refused: rule.refused,
            overflow,
            paused: rule.paused,
            killed: rule.killed,
        }
    }
}
