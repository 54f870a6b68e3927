//! Recordings read, replayed, and held against what is true.

use super::super::finding::{Findings, Verdict};
use super::super::watch::{Patterns, Settings};
use super::{Line, Truth};

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
        let lines = self.lines.iter().map(Line::json);
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
        let mut said = Vec::new();
        self.replay_hearing(settings, |_, findings| said = findings);
        said
    }

    /// The same; `hear` is given what they say whenever they are asked, and when that is.
    pub fn replay_hearing(&self, settings: Settings, mut hear: impl FnMut(u64, Vec<Findings>)) {
        let mut patterns = Patterns::new(settings);
        for line in &self.lines {
            match line {
                Line::Truth(_) => {}
                Line::Attempt(attempt) => patterns.observe(attempt),
                Line::Inbound(call) => patterns.serve(call),
                Line::Gauge(gauge) => {
                    patterns.gauge(gauge);
                }
                Line::Fault(window) => {
                    patterns.fault(*window);
                }
                Line::Unite {
                    service,
                    gone,
                    into,
                } => {
                    patterns.unite(*service, *gone, *into);
                }
                Line::Lost { at_ns, from_ns } => patterns.lost(*from_ns, *at_ns),
                Line::Ask { at_ns } => {
                    patterns.judge(*at_ns);
                    hear(*at_ns, patterns.findings().map(|it| it.0.clone()).collect());
                }
            }
        }
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
