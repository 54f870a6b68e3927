//! What came of a game day: expectations held against what was measured, and the exit code.
//!
//! Judges figures it is given; measures nothing.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};

use crate::model::{Undeclared, WindowStats};
use crate::pattern::Showing;
use crate::snapshot::{Status, TimelineEntry};

pub mod budget;
pub mod confidence;
pub mod counters;
pub mod course;
pub mod judge;
pub mod patterns;
pub mod rank;
mod share;
pub mod undeclared;

pub use budget::{Burnt, Slo};
pub use counters::FaultCounters;
pub use course::Course;
pub use judge::{Expectation, Recovery};
pub use rank::{Ending, decide};

/// How a game day ended, as CI is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// Every expectation was met.
    Passed,
    /// One wasn't.
    Failed,
    /// A guard tripped, the time box was full, or a person stopped it.
    Aborted,
    /// A fault was armed and touched nothing.
    Ineffective,
    /// Not enough was seen to tell.
    Inconclusive,
}

impl VerdictKind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Ineffective => "ineffective",
            Self::Inconclusive => "inconclusive",
        }
    }

    /// What the process exits with.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Aborted => 3,
            Self::Ineffective => 4,
            Self::Inconclusive => 5,
        }
    }
}

/// Something before, during and after the faults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spans<T> {
    /// Over the steady state before the first fault.
    pub before: T,
    /// From the first fault's beginning to the last one's end.
    pub during: T,
    /// Over the steady state again, or the last such span that was watched for it.
    pub after: T,
}

/// Whether a fault did anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It touched packets.
    Effective,
    /// It was armed and touched none.
    Ineffective,
    /// It was never armed.
    NotArmed,
}

impl Effect {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Effective => "effective",
            Self::Ineffective => "ineffective",
            Self::NotArmed => "not_armed",
        }
    }
}

/// What came of one fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultOutcome {
    /// Which step of the scenario, from 1.
    pub step: usize,
    /// Name of the dependency.
    pub on: String,
    /// Name of the fault: "delay".
    pub kind: String,
    /// What it is called: "payments · delay 2s".
    pub label: String,
    /// What became of the packets.
    pub counters: FaultCounters,
    /// Whether it did anything.
    pub effect: Effect,
}

/// What came of one command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandOutcome {
    /// Which step of the scenario, from 1.
    pub step: usize,
    /// The command line.
    pub label: String,
    /// Whether it was started.
    pub started: bool,
    /// What it exited with; `None` where it didn't by itself.
    pub exit_code: Option<i32>,
}

/// One dependency over the game day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DependencyOutcome {
    /// Its name.
    pub name: String,
    /// How much the service is said to need it.
    pub tier: Cow<'static, str>,
    /// Its calls.
    pub stats: Spans<WindowStats>,
}

/// Figures of the game day as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Share of the service's calls answered well during the faults.
    pub availability: Option<f64>,
    /// Share of them that failed or broke the steady state's p99.
    pub blast_radius: Option<f64>,
    /// From the first fault to the service's answer to it, where that was seen.
    pub time_to_detect: Option<Duration>,
    /// From the end of the last fault to the steady state.
    pub time_to_recover: Option<Duration>,
    /// Whether the steady state came back by itself.
    pub automatic_recovery: Option<bool>,
    /// Whether the service kept answering some calls well all through the faults.
    pub degraded_not_down: Option<bool>,
    /// What the service's answer was: "timeout of shop → payments".
    pub detected_by: Option<String>,
    /// Attempts over logical calls towards dependencies with faults, the most of them.
    pub retry_amplification: Option<f64>,
    /// What was burnt of the error budget that was given.
    pub error_budget: Option<Burnt>,
}

/// What came of a game day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The scenario's name.
    pub scenario: String,
    /// What was believed.
    pub hypothesis: String,
    /// Name of the service.
    pub service: String,
    /// How it ended.
    pub kind: VerdictKind,
    /// Why, in one line.
    pub reason: String,
    /// What its random decisions were drawn from.
    pub seed: u64,
    /// How the steady state stood before and after.
    pub steady_state: (Status, Status),
    /// The faults, in the scenario's order.
    pub faults: Vec<FaultOutcome>,
    /// The commands, in the scenario's order.
    pub commands: Vec<CommandOutcome>,
    /// How each expectation stands.
    pub expectations: Vec<Expectation>,
    /// Figures of the whole.
    pub metrics: Metrics,
    /// The service's own inbound calls.
    pub stats: Spans<WindowStats>,
    /// The dependencies, in the scenario's order.
    pub dependencies: Vec<DependencyOutcome>,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// What the service called that the scenario doesn't declare.
    pub undeclared: Vec<Undeclared>,
    /// Which resilience patterns showed.
    pub patterns: Showing,
    /// When the game day began, on CLOCK_MONOTONIC.
    pub started_ns: u64,
    /// Events lost over the game day.
    pub lost_events: u64,
    /// How it went, a step of time after the other.
    pub course: Course,
    /// The service's own inbound calls from the first fault to the end.
    pub since_fault: WindowStats,
    /// When the game day began, in seconds since 1970; `None` where nobody told.
    pub began_unix_s: Option<u64>,
}
