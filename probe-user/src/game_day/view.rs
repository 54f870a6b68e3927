//! The game day as a screen shows it.

use super::{Evidence, GameDay, Phase, Span, nanoseconds};
use crate::snapshot::{ExpectationView, GameDayView};
use crate::verdict::judge::is_steady;
use crate::verdict::{Ending, Expectation};

impl GameDay {
    /// How it stands now.
    pub fn view(&self, now_ns: u64, evidence: &dyn Evidence) -> GameDayView {
        let verdict = self.verdict(evidence);
        let expectations = match &verdict {
            Some(verdict) => verdict.expectations.clone(),
            None => {
                let mut expectations = self.judge_during(now_ns, evidence);
                // Not to be told yet, but to be seen that they will be.
                expectations.extend(self.judge_after(evidence));
                expectations
            }
        };
        GameDayView {
            name: self.scenario.name.clone(),
            hypothesis: self.scenario.hypothesis.clone(),
            phase: self.phase_name(now_ns, evidence).to_owned(),
            progress: self.progress(now_ns),
            expectations: expectations.into_iter().map(shown).collect(),
            verdict: verdict
                .as_ref()
                .map(|verdict| verdict.kind.name().to_owned()),
            reason: verdict.map(|verdict| verdict.reason),
        }
    }

    fn phase_name(&self, now_ns: u64, evidence: &dyn Evidence) -> &'static str {
        match self.phase {
            Phase::Before => "steady state",
            Phase::Faults { .. } => "faults",
            Phase::Recovery { .. } if self.looks_steady(now_ns, evidence) => "steady state again",
            Phase::Recovery { .. } => "recovery",
            Phase::Over => match &self.ending {
                Some(Ending::Aborted(_)) => self.stopped_in(),
                _ => "over",
            },
        }
    }

    /// The phase that it did not get beyond.
    fn stopped_in(&self) -> &'static str {
        match (self.before, self.after) {
            (None, _) => "steady state",
            (_, None) => "faults",
            _ => "recovery",
        }
    }

    /// Whether the newest half of a steady state's length looks like one since the faults.
    fn looks_steady(&self, now_ns: u64, evidence: &dyn Evidence) -> bool {
        let steady = &self.scenario.steady_state;
        let from_ns = now_ns.saturating_sub(nanoseconds(steady.duration) / 2);
        let span = Span {
            from_ns,
            to_ns: now_ns,
        };
        self.during.is_some_and(|during| from_ns >= during.to_ns)
            && is_steady(steady, &span.service(evidence))
    }

    fn progress(&self, now_ns: u64) -> Option<f64> {
        let steady = self.scenario.steady_state.duration;
        let (from_ns, length) = match self.phase {
            Phase::Before => (self.started_ns, steady),
            Phase::Faults { began_ns } => (began_ns, self.scenario.steps_end()),
            Phase::Recovery { .. } => (self.during?.to_ns, self.recovery_limit() + steady),
            Phase::Over => return Some(1.0),
        };
        let gone = now_ns.saturating_sub(from_ns) as f64;
        Some((gone / nanoseconds(length).max(1) as f64).min(1.0))
    }
}

fn shown(expectation: Expectation) -> ExpectationView {
    ExpectationView {
        name: expectation.name,
        expected: expectation.expected,
        measured: expectation.measured,
        status: expectation.status,
    }
}
