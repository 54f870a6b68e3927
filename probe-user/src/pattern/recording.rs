//! A recorded case: calls, gauges and faults as they were seen, and what is true of the caller. One
//! JSON object a line, so that a case can be cut, joined and read by eye; replayed without root.

use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Gauge, Inbound};
use super::finding::{Backoff, Findings, Jitter, Verdict};
use super::ledger::Window;
use super::watch::{Patterns, Settings};

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
    /// Events were lost.
    Lost {
        /// When.
        at_ns: u64,
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

/// A whole recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// In the order in which they were seen.
    pub lines: Vec<Line>,
}

impl Recording {
    /// Reads JSON Lines; empty lines count for nothing.
    ///
    /// # Errors
    /// The number of the line that can't be read, and why.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let read = serde_json::from_str(line);
            lines.push(read.map_err(|error| format!("line {}: {error}", index + 1))?);
        }
        Ok(Self { lines })
    }

    /// Writes JSON Lines.
    pub fn write(&self) -> String {
        let lines = self
            .lines
            .iter()
            .filter_map(|it| serde_json::to_string(it).ok());
        lines.flat_map(|line| [line, "\n".to_owned()]).collect()
    }

    /// What is true.
    pub fn truths(&self) -> impl Iterator<Item = &Truth> {
        self.lines.iter().filter_map(|line| match line {
            Line::Truth(truth) => Some(truth),
            _ => None,
        })
    }

    /// Feeds it to detectors that have seen nothing yet; what they said last.
    pub fn replay(&self, settings: Settings) -> Vec<Findings> {
        let mut patterns = Patterns::new(settings);
        let mut said = Vec::new();
        for line in &self.lines {
            match line {
                Line::Truth(_) => {}
                Line::Attempt(attempt) => patterns.observe(attempt),
                Line::Inbound(call) => patterns.serve(call),
                Line::Gauge(gauge) => patterns.gauge(gauge),
                Line::Fault(window) => patterns.fault(*window),
                Line::Lost { at_ns } => patterns.lost(*at_ns),
                Line::Ask { at_ns } => said = patterns.verdicts(*at_ns),
            }
        }
        said
    }
}

impl Truth {
    /// Each pattern that is judged: its name, whether it is to be observed, and what was said.
    pub fn against(&self, findings: &Findings) -> Vec<(&'static str, bool, Verdict)> {
        let all = [
            ("timeout", self.timeout, findings.timeout.ground.verdict),
            ("retry", self.retry, findings.retry.ground.verdict),
            (
                "circuit_breaker",
                self.circuit_breaker,
                findings.circuit_breaker.ground.verdict,
            ),
            ("bulkhead", self.bulkhead, findings.bulkhead.ground.verdict),
            ("fallback", self.fallback, findings.fallback.ground.verdict),
            (
                "load_shedding",
                self.load_shedding,
                findings.load_shedding.ground.verdict,
            ),
        ];
        all.into_iter()
            .filter_map(|(name, truth, said)| truth.map(|truth| (name, truth, said)))
            .collect()
    }
}
