//! From a fault to the first thing that was done about it.
//!
//! Only of patterns that were observed, and only where a moment can be told: a call given up in
//! time, a breaker that opened, a call made again. What a fallback or a bulkhead did can't be
//! told by the time of one call.

use std::time::Duration;

use super::{Evidence, GameDay, Span};
use crate::pattern::finding::{CircuitBreaker, Exhibit, Retry, State};
use crate::pattern::{Sheet, Verdict};

/// How finely calls that were given up are looked for.
const GRAIN_NS: u64 = 100_000_000;

/// The first reaction to a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detection {
    /// How long after the fault's beginning.
    pub(super) after: Duration,
    /// What it was: "timeout of shop → payments".
    pub(super) by: String,
}

impl GameDay {
    /// The first reaction to any fault, told from that fault's own beginning.
    pub(super) fn detection(&self, sheets: &[Sheet], evidence: &dyn Evidence) -> Option<Detection> {
        let armed = self.scenario.steps.iter().zip(&self.steps);
        let spans = armed.filter_map(|(step, state)| Some((step.fault()?, state.held?)));
        let reactions = spans.flat_map(|(fault, span)| {
            let on = sheets.iter().filter(|it| it.dependency == fault.on);
            on.filter_map(move |sheet| first_reaction(sheet, &fault.on, span, evidence))
        });
        // The earliest moment, not the shortest wait: a later fault may meet a breaker at work.
        let (from_ns, at_ns, by) = reactions.min_by_key(|(_, at_ns, _)| *at_ns)?;
        Some(Detection {
            after: Duration::from_nanos(at_ns - from_ns),
            by,
        })
    }
}

/// When the fault began, when something was first done about it, and what.
fn first_reaction(
    sheet: &Sheet,
    on: &str,
    span: Span,
    evidence: &dyn Evidence,
) -> Option<(u64, u64, String)> {
    let found = &sheet.findings;
    let seen = |verdict| verdict == Verdict::Observed;
    let timeout = seen(found.timeout.ground.verdict).then(|| first_given_up(on, span, evidence));
    let breaker = seen(found.circuit_breaker.ground.verdict)
        .then(|| first_opened(&found.circuit_breaker, span));
    let retry = seen(found.retry.ground.verdict).then(|| first_retried(&found.retry, span));
    let named = [
        ("timeout", timeout.flatten()),
        ("circuit breaker", breaker.flatten()),
        ("retry", retry.flatten()),
    ];
    let (name, at_ns) = named
        .into_iter()
        .filter_map(|(name, at)| Some((name, at?)))
        .min_by_key(|(_, at)| *at)?;
    Some((span.from_ns, at_ns, format!("{name} of {}", sheet.name())))
}

/// The end of the first slice of time in which a call was given up. Slices begin after the fault
/// did, so that none from before counts.
fn first_given_up(on: &str, span: Span, evidence: &dyn Evidence) -> Option<u64> {
    let first = span.from_ns.next_multiple_of(GRAIN_NS);
    let mut slices = (first..span.to_ns).step_by(GRAIN_NS as usize);
    let gave_up = |from: &u64| evidence.dependency(on, *from, from + GRAIN_NS).abandoned > 0;
    slices.find(gave_up).map(|from| from + GRAIN_NS)
}

fn first_opened(breaker: &CircuitBreaker, span: Span) -> Option<u64> {
    let opened = breaker
        .transitions
        .iter()
        .filter(|it| it.state == State::Open);
    opened.map(|it| it.at_ns).find(|at| span.holds(*at))
}

/// The beginning of the first attempt that followed a failed one.
fn first_retried(retry: &Retry, span: Span) -> Option<u64> {
    let again = |pair: &[Exhibit]| {
        let [first, next] = pair else { return None };
        let follows = first.outcome.failed() && next.began_ns >= first.ended_ns;
        (follows && span.holds(first.ended_ns) && span.holds(next.began_ns))
            .then_some(next.began_ns)
    };
    retry.ground.exhibits.windows(2).find_map(again)
}

#[cfg(test)]
mod tests;
