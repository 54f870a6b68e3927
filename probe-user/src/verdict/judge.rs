//! Holds what was measured against what was expected, one kind of expectation a function.
//!
//! A lost event may have been a call of any outcome. A judgement stands only where it would
//! be the same had all of them ended well, and had all of them ended badly.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::confidence;
use super::share::{self, Count, FEW_CALLS};
use crate::model::{Histogram, WindowStats};
use crate::plan::Share;
use crate::quantity::{Bound, Measure, words};
use crate::scenario::SteadyState;
use crate::snapshot::Status;

/// One expectation and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Its name, as in the scenario: "p99".
    pub name: String,
    /// Of what: the service's name.
    pub on: String,
    /// As typed: "<= 1s".
    pub expected: String,
    /// To read: "3.1 s"; "–" where nothing was.
    pub measured: String,
    /// How it stands.
    pub status: Status,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// What it rests on.
    pub evidence: String,
    /// In one clause: "p99 was 3.1 s, expected <= 1 s".
    pub sentence: String,
}

/// What a figure says about a bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The figure, to read.
    pub measured: String,
    /// How it stands to the bound.
    pub status: Status,
    /// How sure that is, 0 to 1.
    pub confidence: f64,
    /// What it rests on.
    pub evidence: String,
}

/// How the wait for the steady state after the last fault ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Recovery {
    /// Not waited for, or not to its end.
    Unknown,
    /// It held from so long after the last fault on.
    After(Duration),
    /// It didn't hold from any moment within so long.
    NotWithin(Duration),
}

impl Judged {
    pub(super) fn new(measured: String, holds: bool, confidence: f64, evidence: String) -> Self {
        Self {
            measured,
            status: if holds { Status::Met } else { Status::NotMet },
            confidence,
            evidence,
        }
    }

    /// Nothing was measured.
    pub fn unknown(why: &str) -> Self {
        Self {
            measured: "–".to_owned(),
            status: Status::Unknown,
            confidence: 0.0,
            evidence: why.to_owned(),
        }
    }

    /// The judgement as an expectation.
    pub fn expectation<T: Measure>(self, name: &str, on: &str, bound: &Bound<T>) -> Expectation {
        let verb = if name == "recovery" { "took" } else { "was" };
        let sentence = match self.status {
            Status::Unknown => format!("{name} can't be told: {}", self.evidence),
            _ => format!("{name} {verb} {}, expected {}", self.measured, bound.told()),
        };
        Expectation {
            name: name.to_owned(),
            on: on.to_owned(),
            expected: bound.to_string(),
            measured: self.measured,
            status: self.status,
            confidence: self.confidence,
            evidence: self.evidence,
            sentence,
        }
    }
}

/// Judges the share of calls that were answered well.
pub fn success_rate(bound: &Bound<Share>, stats: &WindowStats, lost: u64) -> Judged {
    let count = Count {
        least: stats.ok,
        most: stats.ok,
        calls: stats.calls,
        lost,
    };
    let evidence = format!(
        "{} of {} calls ended well; {} failed, {} were given up",
        stats.ok, stats.calls, stats.errors, stats.abandoned
    );
    share::judge(bound, &count, evidence)
}

/// Judges what all but one in a hundred callers waited.
pub fn p99(bound: &Bound<Duration>, stats: &WindowStats, lost: u64) -> Judged {
    let waited = &stats.waited;
    let n = waited.count();
    let Some(value) = waited.quantile_us(0.99) else {
        return Judged::unknown("no call ended");
    };
    let holds = bound.holds(Duration::from_micros(value));
    // Had every lost call been the slowest, or the fastest.
    let rank = ((n + lost) as f64 * 0.99).ceil() as u64;
    let slowest = nth(waited, rank).map_or(Duration::MAX, Duration::from_micros);
    let fastest = match rank.saturating_sub(lost) {
        0 => Duration::ZERO,
        rank => nth(waited, rank).map_or(Duration::MAX, Duration::from_micros),
    };
    let certain = bound.holds(slowest) == holds && bound.holds(fastest) == holds;
    let beyond = beyond(waited, bound.limit);
    let evidence = format!(
        "{beyond} of {n} callers waited longer than {}; the longest {}",
        bound.limit.told(6),
        words::microseconds(waited.max_us())
    );
    let confidence = confidence::of_share(beyond, n, 0.01);
    Judged::new(
        bound.tell(Duration::from_micros(value)),
        holds,
        confidence,
        evidence,
    )
    .unless_unsure(certain, n, lost)
}

/// Share of calls that failed or broke the steady state's p99 `limit`; `None` without calls.
///
/// The histogram doesn't tell answers from answers, so an error that also was slow counts
/// twice, up to all calls.
pub fn blast_share(stats: &WindowStats, limit: Option<&Bound<Duration>>) -> Option<f64> {
    let hit = stats.failed() + slow(stats, limit);
    (stats.calls > 0).then(|| hit.min(stats.calls) as f64 / stats.calls as f64)
}

/// Judges [`blast_share`]; unknown where slow errors that count twice could turn it.
pub fn blast_radius(
    bound: &Bound<Share>,
    stats: &WindowStats,
    limit: Option<&Bound<Duration>>,
    lost: u64,
) -> Judged {
    let slow = slow(stats, limit);
    let count = Count {
        least: stats.failed() + slow.saturating_sub(stats.errors),
        most: stats.failed() + slow,
        calls: stats.calls,
        lost,
    };
    let evidence = match limit {
        Some(limit) => format!(
            "of {} calls {} failed and {slow} took longer than {}",
            stats.calls,
            stats.failed(),
            limit.limit.told(6)
        ),
        None => format!("of {} calls {} failed", stats.calls, stats.failed()),
    };
    share::judge(bound, &count, evidence)
}

/// Judges how long the steady state took to come back. `after` is what was seen in the span
/// that it was found in, or in the last one that was looked at.
pub fn recovery(
    bound: &Bound<Duration>,
    steady: &SteadyState,
    recovery: &Recovery,
    after: &WindowStats,
    lost: u64,
) -> Judged {
    let state = steady_state(steady, after, lost);
    match recovery {
        Recovery::Unknown => Judged::unknown("it wasn't waited for"),
        Recovery::After(time) if state.status != Status::Unknown => Judged::new(
            bound.tell(*time),
            bound.holds(*time),
            state.confidence,
            format!("steady from then on: {}", state.evidence),
        ),
        Recovery::NotWithin(time) if state.status == Status::NotMet => Judged::new(
            format!("more than {}", time.told(1)),
            false,
            state.confidence,
            format!("in the last span: {}", state.evidence),
        ),
        // Each span may have missed narrowly, or the last may hold and be too late.
        Recovery::NotWithin(time) if state.status == Status::Met => Judged::new(
            format!("more than {}", time.told(1)),
            false,
            0.5,
            format!("it only held later: {}", state.evidence),
        ),
        _ => Judged::unknown(&state.evidence),
    }
}

/// Judges the steady state over a span of its length: every bound of it at once.
pub fn steady_state(steady: &SteadyState, stats: &WindowStats, lost: u64) -> Judged {
    let rate = steady.success_rate.map(|b| success_rate(&b, stats, lost));
    let p99 = steady.p99.map(|b| p99(&b, stats, lost));
    let named = [("success_rate", rate), ("p99", p99)];
    let parts: Vec<_> = named
        .into_iter()
        .filter_map(|(name, part)| Some((name, part?)))
        .collect();
    let any = |status| parts.iter().any(|(_, part)| part.status == status);
    let status = if stats.calls == 0 || (any(Status::Unknown) && !any(Status::NotMet)) {
        Status::Unknown
    } else if any(Status::NotMet) {
        Status::NotMet
    } else {
        Status::Met
    };
    let measured: Vec<String> = parts
        .iter()
        .map(|(name, part)| format!("{name} {}", part.measured))
        .collect();
    Judged {
        evidence: format!("{} over {} calls", measured.join(", "), stats.calls),
        measured: measured.join(", "),
        status,
        confidence: parts
            .iter()
            .map(|(_, part)| part.confidence)
            .fold(1.0, f64::min),
    }
}

/// Whether the steady state holds over a span: every bound of it, and on more than a few calls.
pub fn is_steady(steady: &SteadyState, stats: &WindowStats) -> bool {
    stats.calls >= FEW_CALLS && steady_state(steady, stats, 0).status == Status::Met
}

fn slow(stats: &WindowStats, limit: Option<&Bound<Duration>>) -> u64 {
    // Abandoned calls are in `waited` too, but they failed already.
    limit.map_or(0, |bound| beyond(&stats.latency, bound.limit))
}

/// How many latencies are longer than a limit, as far as buckets tell.
pub(super) fn beyond(histogram: &Histogram, limit: Duration) -> u64 {
    histogram
        .buckets()
        .filter(|(low, width, _)| u128::from(low + width / 2) > limit.as_micros())
        .map(|(_, _, count)| count)
        .sum()
}

/// The n-th shortest latency, from 1.
fn nth(histogram: &Histogram, n: u64) -> Option<u64> {
    let count = histogram.count();
    (n <= count)
        .then(|| histogram.quantile_us((n as f64 - 0.5) / count as f64))
        .flatten()
}

#[cfg(test)]
mod tests;
