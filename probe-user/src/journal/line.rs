//! One line of a journal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    snapshot::TimelineEntry,
    verdict::{Slo, Verdict, course::Moment},
};

/// What the first line says it is.
pub const SCHEMA: &str = "probe.journal/1";

/// See the file's head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// The first.
    Begin(Begin),
    /// What the dashboard shows of a moment, its timeline left out: that is in the events.
    Moment(State),
    /// The verdict, were the game day aborted at that moment: its timeline and the course's
    /// moments are left out.
    Standing(State),
    /// Figures of a second that is over.
    Second(Second),
    /// Something that happened.
    Event(Event),
    /// The last, once there is a verdict.
    End(Box<End>),
}

/// What is known when it begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Begin {
    /// "probe.journal/1".
    pub schema: String,
    /// The version of probe that wrote it.
    pub probe: String,
    /// When it began, in seconds since 1970.
    pub began_unix_s: Option<u64>,
    /// The name of the host.
    pub host: String,
    /// What random decisions are drawn from.
    pub seed: u64,
    /// The scenario's file, as typed; empty where there was none.
    pub file: String,
    /// The scenario, as it was in the file.
    pub scenario: String,
    /// The promise whose error budget is told.
    pub slo: Option<Slo>,
}

/// A document at a moment, whole or by what changed since the line of its kind before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Time since the session began.
    pub at_ms: u64,
    /// The document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole: Option<Value>,
    /// What changed: see [`super::change`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Value>,
}

/// A second of the course.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Second {
    /// The service's own calls.
    pub service: Moment,
    /// Its calls to each dependency, in the scenario's order.
    pub dependencies: Vec<Moment>,
}

/// An entry of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whether it is of the game day, and so in its reports; else it is of the session alone.
    pub of_game_day: bool,
    /// The entry; its time is since the game day began, or since the session did.
    #[serde(flatten)]
    pub entry: TimelineEntry,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Time since the session began.
    pub at_ms: u64,
    /// All of the verdict.
    pub verdict: Verdict,
}
