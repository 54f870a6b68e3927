//! What counts as worse: a verdict or an expectation that was good, and figures that moved
//! further than two runs of the same thing do.

use super::{Run, milliseconds};
use crate::quantity::words;

/// A time is worse from half as long again on, and from so many milliseconds more.
const TIMES: (f64, u64) = (1.5, 500);
/// A latency is worse from half as long again on, and from so many microseconds more.
const LATENCIES: (f64, u64) = (1.5, 10_000);
/// A share is worse from one in a hundred on.
const SHARES: f64 = 0.01;

/// How much worse a share is, from what it was and what it is.
type Worse = fn(f64, f64) -> f64;

/// How a length is told.
type Told = fn(u64) -> String;

/// What got worse from one run to another, a sentence each.
pub(super) fn regressions(before: &Run, last: &Run) -> Vec<String> {
    let mut worse = Vec::new();
    if before.verdict == "passed" && last.verdict != "passed" {
        worse.push(format!("verdict: {}, was passed", last.verdict));
    }
    for it in last.not_met.iter().filter(|it| before.met.contains(it)) {
        worse.push(format!("{it}: not met any more"));
    }
    worse.extend(shares(before, last));
    worse.extend(lengths(before, last));
    // One that never came back is worse than any that did.
    if let (Some(was), None) = (before.time_to_recover_ms, last.time_to_recover_ms) {
        worse.push(format!(
            "time to recover: not seen, was {}",
            milliseconds(was)
        ));
    }
    worse
}

fn shares(before: &Run, last: &Run) -> Vec<String> {
    let falls = |was: f64, is: f64| was - is;
    let rises = |was: f64, is: f64| is - was;
    let figures: [(_, _, _, Worse); 2] = [
        (
            "availability",
            before.availability,
            last.availability,
            falls,
        ),
        (
            "blast radius",
            before.blast_radius,
            last.blast_radius,
            rises,
        ),
    ];
    let moved = figures.into_iter().filter_map(|(name, was, is, by)| {
        let (was, is) = was.zip(is)?;
        (by(was, is) >= SHARES)
            .then(|| format!("{name}: {}, was {}", words::share(is), words::share(was)))
    });
    moved.collect()
}

fn lengths(before: &Run, last: &Run) -> Vec<String> {
    let figures: [(_, _, _, _, Told); 3] = [
        (
            "time to detect",
            before.time_to_detect_ms,
            last.time_to_detect_ms,
            TIMES,
            milliseconds,
        ),
        (
            "time to recover",
            before.time_to_recover_ms,
            last.time_to_recover_ms,
            TIMES,
            milliseconds,
        ),
        (
            "p99",
            before.p99_us,
            last.p99_us,
            LATENCIES,
            words::microseconds,
        ),
    ];
    let moved = figures.into_iter().filter_map(|(name, was, is, by, told)| {
        let (was, is) = was.zip(is)?;
        let longer = is as f64 >= was as f64 * by.0 && is >= was + by.1;
        longer.then(|| format!("{name}: {}, was {}", told(is), told(was)))
    });
    moved.collect()
}
