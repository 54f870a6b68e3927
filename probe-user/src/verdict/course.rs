//! The course of a game day: figures a step of time, for charts and for whoever reads the JSON.
//!
//! Times are milliseconds since the game day began.

use serde::{Deserialize, Serialize};

/// A span of time, its end excluded.
pub type SpanMs = (u64, u64);

/// Figures of one step of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moment {
    /// When the step begins.
    pub at_ms: u64,
    /// Calls that ended well in it.
    pub ok: u64,
    /// Calls that failed, those given up among them.
    pub failed: u64,
    /// Calls that the caller gave up.
    pub abandoned: u64,
    /// What half of the callers waited; `None` where nobody's wait ended.
    pub p50_us: Option<u64>,
    /// What all but one in a hundred waited.
    pub p99_us: Option<u64>,
    /// The most that waited at once when that was looked at; `None` where it wasn't.
    pub in_flight: Option<u32>,
}

impl Moment {
    /// Calls that ended.
    pub fn calls(&self) -> u64 {
        self.ok + self.failed
    }
}

/// One party's moments, oldest first, without gaps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Track {
    /// Name of the service or dependency.
    pub name: String,
    /// Its figures.
    pub moments: Vec<Moment>,
}

/// When a fault held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultSpan {
    /// Which step of the scenario, from 1.
    pub step: usize,
    /// Name of the dependency, or the service's.
    pub on: String,
    /// "payments · delay 2s".
    pub label: String,
    /// From when to when.
    pub span: SpanMs,
}

/// See the file's head.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Course {
    /// Length of the whole.
    pub length_ms: u64,
    /// Length of a step.
    pub step_ms: u64,
    /// The service's own inbound calls.
    pub service: Track,
    /// Its calls to each dependency, in the scenario's order.
    pub dependencies: Vec<Track>,
    /// The faults that were armed, in the scenario's order.
    pub faults: Vec<FaultSpan>,
    /// The steady state before.
    pub before: Option<SpanMs>,
    /// From the first fault to the end of the last.
    pub during: Option<SpanMs>,
    /// The steady state again, or the last span looked at for it.
    pub after: Option<SpanMs>,
}

impl Course {
    /// Spans in which faults held on a dependency.
    pub fn faults_on(&self, name: &str) -> Vec<SpanMs> {
        let on = self.faults.iter().filter(|it| it.on == name);
        on.map(|it| it.span).collect()
    }

    /// Dependencies that a fault was on.
    pub fn faulted(&self) -> impl Iterator<Item = &Track> {
        let is_faulted = |it: &&Track| self.faults.iter().any(|fault| fault.on == it.name);
        self.dependencies.iter().filter(is_faulted)
    }

    /// Calls to a dependency for each of the service's own, over the steady state; `None` where
    /// that can't be told.
    pub fn usual_calls(&self, track: &Track) -> Option<f64> {
        let (from, to) = self.before?;
        let sum = |track: &Track| -> u64 {
            let within = |it: &&Moment| it.at_ms >= from && it.at_ms + self.step_ms <= to;
            track.moments.iter().filter(within).map(Moment::calls).sum()
        };
        match (sum(track), sum(&self.service)) {
            (0, _) | (_, 0) => None,
            (calls, own) => Some(calls as f64 / own as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(name: &str, calls: &[u64]) -> Track {
        let moment = |(n, ok): (usize, &u64)| Moment {
            at_ms: n as u64 * 1_000,
            ok: *ok,
            ..Moment::default()
        };
        Track {
            name: name.into(),
            moments: calls.iter().enumerate().map(moment).collect(),
        }
    }

    #[test]
    fn usual_calls_are_those_of_the_steady_state() {
        let course = Course {
            step_ms: 1_000,
            service: track("shop", &[10, 10, 10, 10]),
            before: Some((1_000, 3_000)),
            ..Course::default()
        };
        assert_eq!(course.usual_calls(&track("a", &[0, 20, 40, 90])), Some(3.0));
        assert_eq!(course.usual_calls(&track("a", &[9, 0, 0, 9])), None);
        let never_steady = Course {
            before: None,
            ..course
        };
        assert_eq!(never_steady.usual_calls(&track("a", &[1, 1, 1])), None);
    }
}
