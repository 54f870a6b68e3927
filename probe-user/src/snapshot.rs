//! What the dashboard shows and reports tell: one picture of one moment, made by the engine.
//!
//! Pure data, so that screens and reports are tested with pictures made by hand.

use serde::{Deserialize, Serialize};

use crate::model::{Outcome, WindowStats};

/// One picture.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// Time since the session began.
    pub elapsed_ms: u64,
    /// What the session is called: a scenario's name, or "watch".
    pub title: String,
    /// Dependencies, by service and name.
    pub dependencies: Vec<DependencyView>,
    /// Services whose inbound calls are seen.
    pub services: Vec<ServiceView>,
    /// Faults that are armed or were.
    pub faults: Vec<FaultView>,
    /// Resilience patterns that showed, or had every chance to.
    pub patterns: Vec<PatternView>,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// The game day, where one is being run.
    pub game_day: Option<GameDayView>,
    /// Events that there was no room for: figures are weaker where it isn't zero.
    pub lost_events: u64,
    /// Why a person can't inject, observe or see something here, where it is so.
    pub notices: Vec<String>,
    /// Whether faults can be started from the dashboard.
    pub can_inject: bool,
    /// The fault that a person thinks of starting, once it was asked what it would touch.
    pub trial: Option<TrialView>,
    /// The replay that it is a picture of, where it is one.
    #[serde(skip)]
    pub replay: Option<ReplayView>,
}

/// A recorded game day being played.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReplayView {
    /// How many times as fast as it went.
    pub speed: f64,
    /// Whether it stands still.
    pub is_paused: bool,
    /// How long it is.
    pub length_ms: u64,
}

/// One dependency as one service calls it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DependencyView {
    /// Command name of the calling process.
    pub service: String,
    /// Process id of the caller; 0 where it isn't known.
    pub pid: u32,
    /// Its name: from the scenario, else its address.
    pub name: String,
    /// Address and port.
    pub remote: String,
    /// Over the last ten seconds.
    pub recent: WindowStats,
    /// Over the steady state before the first fault, where there was one.
    pub baseline: Option<WindowStats>,
    /// Calls waiting for an answer now.
    pub in_flight: u32,
    /// The most that waited at once.
    pub in_flight_max: u32,
    /// The last sixty seconds, oldest first.
    pub seconds: Vec<SecondView>,
    /// Whether a fault is armed on it now.
    pub faulted: bool,
    /// Every address and port that it was met at.
    pub remotes: Vec<String>,
    /// Wire protocol: "http1", "unknown".
    pub protocol: String,
    /// State of the caller's circuit breaker, where one showed.
    pub breaker: Option<Breaker>,
    /// The most calls that the caller's bulkhead lets wait, where one showed.
    pub limit: Option<u32>,
    /// Most attempts that the caller makes of a logical call, where it was seen to retry.
    pub attempts_max: Option<u32>,
    /// Attempts over logical calls, while calls failed.
    pub amplification: Option<f64>,
    /// The last calls that ended, oldest first.
    pub calls: Vec<CallView>,
    /// What is told of each resilience pattern, and by what.
    pub evidence: Vec<EvidenceView>,
}

/// State of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// Calls pass.
    Closed,
    /// None does.
    Open,
    /// Some do.
    HalfOpen,
}

/// A call that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// When it ended, in the session's time.
    pub at_ms: u64,
    /// How.
    pub outcome: Outcome,
    /// The protocol's own status, where it has one.
    pub status: Option<u16>,
    /// How long it had waited.
    pub waited_us: u64,
    /// Which request of its connection it was, from 1; 0 for an attempt to connect.
    pub number: u32,
    /// Whether a fault touched a packet of it.
    pub faulted: bool,
}

/// What is told of one resilience pattern, and by what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvidenceView {
    /// "circuit breaker".
    pub pattern: String,
    /// Whether it is there: yes, no, or nobody can tell.
    pub is_there: Option<bool>,
    /// Its parameters, with what stands before them; empty where it isn't there.
    pub parameters: String,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// What it rests on, in a sentence.
    pub evidence: String,
}

/// A fault that a person thinks of starting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialView {
    /// Which question this is the answer to.
    pub number: u32,
    /// The command line that does the same.
    pub command: String,
    /// What would be armed and touched, a line each; or why it can't be, with a hint.
    pub lines: Vec<String>,
    /// Whether the answer is still awaited, it may be started, or it can't be.
    pub stage: TrialStage,
}

/// How far such a question has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialStage {
    /// It is being looked at.
    #[default]
    Asked,
    /// It may be started.
    Possible,
    /// It can't be.
    Refused,
}

/// One second of one dependency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecondView {
    /// Median latency; `None` where no call was answered.
    pub p50_us: Option<u64>,
    /// Calls that ended well.
    pub ok: u32,
    /// Calls that failed.
    pub failed: u32,
    /// Whether a fault was armed on it in this second.
    pub faulted: bool,
    /// Of those that failed, calls that the caller gave up.
    pub abandoned: u32,
    /// State of the caller's circuit breaker at its end, where one showed.
    pub breaker: Option<Breaker>,
}

/// A service, by its inbound calls.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceView {
    /// Its name: from the scenario, else the command name.
    pub name: String,
    /// Where it listens.
    pub listen: String,
    /// Over the last ten seconds.
    pub recent: WindowStats,
    /// Over the steady state, where there was one.
    pub baseline: Option<WindowStats>,
    /// The last sixty seconds, oldest first.
    pub seconds: Vec<SecondView>,
}

/// One fault.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultView {
    /// What it is called: dependency and fault, as "payments · delay 2s ±200ms".
    pub label: String,
    /// Time left; `None` once it is over.
    pub left_ms: Option<u64>,
    /// How long it holds in all.
    pub duration_ms: u64,
    /// Packets it looked at.
    pub seen: u64,
    /// Packets it touched.
    pub faulted: u64,
    /// Packets that found no room where they were to wait.
    pub overflow: u64,
    /// Packets of those it looked at that it held for.
    pub matched: u64,
    /// By which it can be ended alone, where it was started from this dashboard.
    pub handle: Option<u32>,
}

/// What is known of the resilience patterns of one service towards one dependency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PatternView {
    /// "shop → payments".
    pub name: String,
    /// One for each of which something is known.
    pub told: Vec<ToldPattern>,
}

/// One resilience pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToldPattern {
    /// Whether it is there.
    pub is_there: bool,
    /// "timeout"; "no timeout" where it isn't there.
    pub name: String,
    /// Its parameters, with what stands before them: " 500 ms".
    pub parameters: String,
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    /// The game day went on to its next phase.
    Phase,
    /// A fault was armed or ended.
    Fault,
    /// A command was run.
    Command,
    /// An expectation or the steady state changed.
    Expectation,
    /// What is told of a resilience pattern changed.
    Pattern,
    /// A guard tripped, a person stopped it, or something failed.
    Alarm,
    /// Something worth knowing.
    Note,
}

impl TimelineKind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Fault => "fault",
            Self::Command => "command",
            Self::Expectation => "expectation",
            Self::Pattern => "pattern",
            Self::Alarm => "alarm",
            Self::Note => "note",
        }
    }
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// Time since the session began.
    pub at_ms: u64,
    /// What kind of thing happened.
    pub kind: TimelineKind,
    /// What happened.
    pub text: String,
}

/// How an expectation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Met,
    /// It doesn't.
    NotMet,
    /// Too little was seen to tell.
    Unknown,
}

impl Status {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "not_met",
            Self::Unknown => "unknown",
        }
    }
}

/// An expectation as it stands now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectationView {
    /// Its name, as in the scenario: "success_rate".
    pub name: String,
    /// What is expected: ">= 99%".
    pub expected: String,
    /// What was measured so far: "98.2%", "–" where nothing was.
    pub measured: String,
    /// How it stands.
    pub status: Status,
}

/// The game day as it stands now.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GameDayView {
    /// The scenario's name.
    pub name: String,
    /// What is believed.
    pub hypothesis: String,
    /// Where it is: "steady state", "faults", "recovery", "steady state again", "over".
    pub phase: String,
    /// How far the phase has come, 0 to 1, where that can be said.
    pub progress: Option<f64>,
    /// How the expectations stand.
    pub expectations: Vec<ExpectationView>,
    /// Once it is over: "passed", "failed", "aborted", "ineffective", "inconclusive".
    pub verdict: Option<String>,
    /// Once it is over: why, in one line.
    pub reason: Option<String>,
}
