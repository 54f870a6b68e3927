//! When no breaker opened: whether it had every chance to. Calls have to go on as they did before,
//! for long enough; where that can't be told, nothing is.

use super::super::finding::{CircuitBreaker, Ground};
use super::super::lanes::{Keying, Lanes, Step};
use super::super::reading::Reading;
use super::super::spread::{quantile, sorted};
use super::super::tape::Entry;

/// Failures in a row, and how long, it takes to say that no breaker opened.
const ENOUGH: usize = 25;
const LONG_ENOUGH_NS: u64 = 4_000_000_000;
/// Calls that went well it takes to know the pauses of who makes them.
const ENOUGH_WELL: usize = 12;
/// Who pauses for longer may not meet a breaker that is open for a short time.
const OFTEN_MS: f64 = 200.0;

/// Calls that failed, none going well between them.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Failing {
    calls: usize,
    from: u64,
    to: u64,
}

/// What is told where calls didn't stop as they do by a breaker, for a reason.
pub(super) fn judge(reading: &Reading, reason: &str) -> CircuitBreaker {
    let failing = longest_failing(&reading.entries);
    let lasted = failing.to - failing.from;
    let had_the_chance = reason.starts_with("calls never")
        && failing.calls >= ENOUGH
        && lasted >= LONG_ENOUGH_NS
        && !reading.lost_any();
    let count = failing.calls;
    let ground = match had_the_chance && (kept_pace(reading, failing) || by_hand(reading, failing))
    {
        true => {
            let seconds = lasted as f64 / 1e9;
            let evidence =
                format!("{count} calls in a row failed in {seconds:.1} s and calls went on");
            Ground::absent(count, evidence)
        }
        false => Ground::unknown(format!("{reason}; {count} calls in a row failed")),
    };
    CircuitBreaker {
        ground,
        ..CircuitBreaker::default()
    }
}

/// Whether as many calls were made as are usual, and all that inbound calls brought.
fn kept_pace(reading: &Reading, failing: Failing) -> bool {
    let steady = reading.rhythm.rate * (failing.to - failing.from) as f64 / 1e9;
    let kept_all = reading.attempts_per_inbound().is_none_or(|ratio| {
        let failed = || reading.entries.iter().filter(|it| it.failed());
        let from = failed().next().map_or(0, |it| it.start);
        let to = failed().next_back().map_or(0, |it| it.start);
        let due = reading.inbound_begun(from, to) as f64 * ratio;
        // Where calls are made again, a share that isn't made may hide behind those that are.
        let each = reading.started(from, to).len() as f64 / due.max(1.0);
        each >= 0.9 && (each < 1.1 || (each - each.round()).abs() < 0.05)
    });
    kept_all && failing.calls as f64 >= steady * 0.5
}

/// Whether who makes the calls one after another makes the next as soon after a failure as after
/// success: calls that keep him waiting are fewer, and none is left out.
fn by_hand(reading: &Reading, failing: Failing) -> bool {
    if reading.attempts_per_inbound().is_some() {
        return false;
    }
    let lanes = Lanes::of(&reading.entries, &reading.calm, false);
    if lanes.keying == Keying::Crowd {
        return false;
    }
    let usual = sorted(lanes.usual_steps().map(|it| it.gap).collect());
    let pairs = lanes.lists.iter().flat_map(|it| it.windows(2));
    let within = pairs.filter(|it| it[0].start >= failing.from && it[1].start <= failing.to);
    let steps = within.filter_map(|it| Step::of(&it[0], &it[1]));
    let after_failure = sorted(steps.map(|it| it.gap).collect());
    if usual.len() < ENOUGH_WELL || after_failure.len() + 1 < ENOUGH {
        return false;
    }
    let [middle, long] = [0.5, 0.95].map(|share| quantile(&usual, share));
    let [middle_then, long_then, longest] =
        [0.5, 0.95, 1.0].map(|share| quantile(&after_failure, share));
    middle <= OFTEN_MS
        && middle_then <= 1.2 * middle + 5.0
        && long_then <= 1.3 * long + 5.0
        && longest <= 3.0 * long
}

/// The most calls that failed in a row.
fn longest_failing(entries: &[Entry]) -> Failing {
    let mut best = Failing::default();
    let mut now = Failing::default();
    for entry in entries {
        if !entry.failed() {
            now = Failing::default();
            continue;
        }
        if now.calls == 0 {
            now.from = entry.start;
        }
        now.calls += 1;
        now.to = entry.start;
        best = best.max(now);
    }
    best
}
