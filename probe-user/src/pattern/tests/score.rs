//! How verdicts compare with what is true: precision, recall, and how far off parameters are.

use std::collections::BTreeMap;
use std::fmt;

use crate::pattern::finding::{Findings, State, Verdict};
use crate::pattern::recording::Truth;

/// The score of one pattern.
#[derive(Clone, Debug, Default)]
pub struct Score {
    pub hits: u32,
    pub misses: u32,
    pub false_alarms: u32,
    pub rejections: u32,
    /// Said to be absent, and there.
    pub denied: u32,
    /// Said to be absent, and not there.
    pub told_absent: u32,
}

impl Score {
    pub fn precision(&self) -> f64 {
        f64::from(self.hits) / f64::from((self.hits + self.false_alarms).max(1))
    }

    pub fn recall(&self) -> f64 {
        f64::from(self.hits) / f64::from((self.hits + self.misses).max(1))
    }
}

/// Scores of all patterns and their parameters over many cases.
#[derive(Clone, Debug, Default)]
pub struct Board {
    pub patterns: BTreeMap<&'static str, Score>,
    /// How many were right, of how many.
    pub parameters: BTreeMap<&'static str, (u32, u32)>,
    pub wrong: Vec<String>,
}

impl Board {
    /// Takes in a case.
    pub fn count(&mut self, truth: &Truth, said: &[Findings]) {
        let silent = Findings::default();
        let found = said
            .iter()
            .find(|it| it.dependency == truth.dependency && it.service == truth.service);
        let found = found.unwrap_or(&silent);
        for (name, there, verdict) in truth.against(found) {
            let score = self.patterns.entry(name).or_default();
            match (there, verdict) {
                (true, Verdict::Observed) => score.hits += 1,
                (true, _) => score.misses += 1,
                (false, Verdict::Observed) => score.false_alarms += 1,
                (false, _) => score.rejections += 1,
            }
            score.denied += u32::from(there && verdict == Verdict::Absent);
            score.told_absent += u32::from(!there && verdict == Verdict::Absent);
            if there != (verdict == Verdict::Observed) {
                self.wrong.push(format!(
                    "{name} {verdict:?}: {}: {}",
                    truth.case,
                    evidence(name, found)
                ));
            }
        }
        self.count_parameters(truth, found);
    }

    fn count_parameters(&mut self, truth: &Truth, found: &Findings) {
        let seen = |verdict: Verdict, there: Option<bool>| {
            there == Some(true) && verdict == Verdict::Observed
        };
        if seen(found.timeout.ground.verdict, truth.timeout) {
            self.figure(
                "timeout",
                truth.timeout_ms,
                found.timeout.value_ms,
                0.05,
                10.0,
                truth,
            );
        }
        if seen(found.retry.ground.verdict, truth.retry) {
            let retry = &found.retry;
            self.exact("attempts", truth.attempts, retry.attempts_max, truth);
            self.exact("backoff", truth.backoff, Some(retry.backoff), truth);
            self.exact("jitter", truth.jitter, Some(retry.jitter), truth);
            self.figure("base", truth.base_ms, retry.base_ms, 0.1, 0.0, truth);
            self.figure(
                "multiplier",
                truth.multiplier,
                retry.multiplier,
                0.1,
                0.0,
                truth,
            );
        }
        if seen(found.bulkhead.ground.verdict, truth.bulkhead) {
            self.exact("limit", truth.limit, found.bulkhead.limit, truth);
        }
        if seen(found.fallback.ground.verdict, truth.fallback) {
            self.exact(
                "alternate",
                truth.alternate,
                found.fallback.alternate,
                truth,
            );
        }
        if seen(found.circuit_breaker.ground.verdict, truth.circuit_breaker) {
            let breaker = &found.circuit_breaker;
            self.figure(
                "open time",
                truth.open_ms,
                breaker.open_ms,
                0.05,
                0.0,
                truth,
            );
            self.exact("probes", truth.probes, breaker.half_open_probes, truth);
            self.transitions(truth, found);
        }
    }

    /// Each opening within 250 ms.
    fn transitions(&mut self, truth: &Truth, found: &Findings) {
        let told = found.circuit_breaker.transitions.iter();
        let opened: Vec<u64> = told
            .filter(|it| it.state == State::Open)
            .map(|it| it.at_ns)
            .collect();
        for at in &truth.opened_at_ns {
            let near = opened.iter().any(|it| it.abs_diff(*at) <= 250_000_000);
            self.right("transitions", near, || {
                format!("opened at {at}, said {opened:?}: {}", truth.case)
            });
        }
    }

    fn figure(
        &mut self,
        name: &'static str,
        truth: Option<f64>,
        said: Option<f64>,
        share: f64,
        least: f64,
        case: &Truth,
    ) {
        let Some(truth) = truth else { return };
        let right = said.is_some_and(|it| (it - truth).abs() <= (truth * share).max(least));
        self.right(name, right, || {
            format!("{truth} said {said:?}: {}", case.case)
        });
    }

    fn exact<T: PartialEq + fmt::Debug>(
        &mut self,
        name: &'static str,
        truth: Option<T>,
        said: Option<T>,
        case: &Truth,
    ) {
        if truth.is_none() {
            return;
        }
        let right = truth == said;
        self.right(name, right, || {
            format!("{truth:?} said {said:?}: {}", case.case)
        });
    }

    fn right(&mut self, name: &'static str, right: bool, told: impl Fn() -> String) {
        let count = self.parameters.entry(name).or_default();
        count.0 += u32::from(right);
        count.1 += 1;
        if !right {
            self.wrong.push(format!("{name}: {}", told()));
        }
    }
}

fn evidence<'a>(name: &str, found: &'a Findings) -> &'a str {
    match name {
        "timeout" => &found.timeout.ground.evidence,
        "retry" => &found.retry.ground.evidence,
        "circuit_breaker" => &found.circuit_breaker.ground.evidence,
        "bulkhead" => &found.bulkhead.ground.evidence,
        "fallback" => &found.fallback.ground.evidence,
        _ => &found.load_shedding.ground.evidence,
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, it) in &self.patterns {
            writeln!(
                f,
                "{name:16} precision {:.3}  recall {:.3}  ({} there, {} not; {} false alarms, {} missed, {} denied, {} rightly absent)",
                it.precision(),
                it.recall(),
                it.hits + it.misses,
                it.false_alarms + it.rejections,
                it.false_alarms,
                it.misses,
                it.denied,
                it.told_absent
            )?;
        }
        for (name, (right, of)) in &self.parameters {
            writeln!(
                f,
                "{name:16} {right} of {of} right ({:.1} %)",
                100.0 * f64::from(*right) / f64::from(*of)
            )?;
        }
        Ok(())
    }
}
