//! Breakers that don't open whole: while calls fail a share of the demand is let through; after
//! that the share grows. Told only where inbound calls tell the demand.

use super::super::finding::{CircuitBreaker, Ground, State, Transition};
use super::super::reading::{Reading, most_at_once};
use super::super::tape::Entry;

/// Calls that were due in a stretch for its share to mean something.
const ENOUGH_DUE: f64 = 40.0;
/// A share below this is no accident, one above is all.
const THROTTLED: f64 = 0.75;
const ALL: f64 = 0.9;
const SECOND: u64 = 1_000_000_000;

/// Tells whether a share of the calls is let through while they fail.
pub(super) fn judge(reading: &Reading) -> Option<CircuitBreaker> {
    let ratio = reading.attempts_per_inbound()?;
    let failed = || reading.entries.iter().filter(|it| it.failed());
    let (first, last) = (failed().next()?.start, failed().next_back()?.start);
    // What it takes it to notice is not part of it.
    let from = first + 2 * SECOND;
    if last < from + SECOND || reading.lost_any() || are_made_again(reading) {
        return None;
    }
    let calls = reading.started(from, last);
    let answered = reading.inbound_within(from, last).count();
    let due = answered as f64 * ratio;
    let share = calls.len() as f64 / due.max(1.0);
    let waiting: u64 = calls.iter().map(Entry::age).sum();
    let at_once = waiting as f64 / (last - from) as f64;
    // Calls that take a long time may fill a limit, which keeps others out as well.
    let is_full = at_once > 0.5 * f64::from(most_at_once(calls)).max(1.0);
    if due < ENOUGH_DUE || !(0.02..THROTTLED).contains(&share) || is_full {
        return None;
    }
    let share = (share * 100.0).round() / 100.0;
    let at = |at_ns, state, share| Transition {
        at_ns,
        state,
        share,
    };
    let mut transitions = vec![
        at(reading.entries[0].start, State::Closed, None),
        at(first, State::HalfOpen, Some(share)),
    ];
    transitions.extend(ramp(reading, last));
    let evidence = format!(
        "while calls failed {} were made though {due:.0} were due by {answered} inbound calls that were answered",
        calls.len()
    );
    Some(CircuitBreaker {
        ground: Ground::observed(calls.len(), evidence)
            .showing(calls.iter().map(Entry::exhibit))
            .at_most(0.9),
        share: Some(share),
        transitions,
        ..CircuitBreaker::default()
    })
}

/// Whether failed calls are made again: who waits for that may hold places that others need.
fn are_made_again(reading: &Reading) -> bool {
    let failed = reading
        .entries
        .iter()
        .filter(|it| it.failed() && it.fingerprint != 0);
    let (mut all, mut again) = (0, 0);
    for call in failed {
        let next = &reading.entries[call.place as usize + 1..];
        all += 1;
        again += usize::from(
            next.iter()
                .take(24)
                .any(|it| it.fingerprint == call.fingerprint),
        );
    }
    reading.requests_differ && again * 3 > all
}

/// Shares that grow after a moment, second by second, and when all is let through; nothing where
/// it is all at once.
pub(super) fn ramp(reading: &Reading, from: u64) -> Vec<Transition> {
    let Some(ratio) = reading.attempts_per_inbound() else {
        return Vec::new();
    };
    let end = reading.entries.last().map_or(0, |it| it.start);
    let mut steps = Vec::new();
    for second in 0..60 {
        let (since, until) = (from + second * SECOND, from + (second + 1) * SECOND);
        let due = reading.inbound_within(since, until).count() as f64 * ratio;
        if until > end || due < 8.0 {
            break;
        }
        let share = reading.started(since, until).len() as f64 / due;
        if share >= ALL {
            steps.push(Transition {
                at_ns: since,
                state: State::Closed,
                share: None,
            });
            break;
        }
        let share = Some((share * 100.0).round() / 100.0);
        steps.push(Transition {
            at_ns: since,
            state: State::HalfOpen,
            share,
        });
    }
    match steps.len() {
        0..=2 => Vec::new(),
        _ => steps,
    }
}
