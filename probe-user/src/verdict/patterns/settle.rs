//! Settles, by counting, expectations of patterns that the detectors leave open. A detector says
//! whether there is a pattern; what is expected has bounds, and those can be broken, or kept,
//! whatever it is that does so: callers who waited longer than a timeout may take, calls that go
//! on and fail after a breaker should have opened.

use std::time::Duration;

use super::super::judge::beyond;
use crate::model::WindowStats;
use crate::quantity::{Bound, Measure, Times};
use crate::scenario::{BulkheadExpectation, PatternExpectation, RetryExpectation};
use crate::snapshot::Status;
use crate::verdict::Expectation;

/// Fewer calls than this settle nothing.
const FEW: u64 = 10;

/// Fewer late calls than this may be chance.
const FEW_LATE: u64 = 3;

/// What was counted of one dependency and of who calls it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Calls to it in the steady state.
    pub before: WindowStats,
    /// Calls to it while faults held on it.
    pub during: WindowStats,
    /// Calls to it from the first fault on it to the end of the game day.
    pub since: WindowStats,
    /// Those of them that ended while faults held, but later after the first failure than its
    /// breaker may take to open.
    pub late: WindowStats,
    /// The most calls that were seen to wait at once.
    pub most_in_flight: Option<u32>,
    /// Whether they are one process's.
    pub one_caller: bool,
    /// The service's own calls in the steady state.
    pub service_before: WindowStats,
    /// The service's own calls while faults held on the dependency, or, where none did, while
    /// steps went on.
    pub service_during: WindowStats,
}

/// What is measured, whether it holds, and why.
type Settled = (String, bool, String);

/// Settles one expectation, if it is open and what was counted suffices.
pub fn settle(expected: &PatternExpectation, facts: &Facts, open: &mut Expectation) {
    if open.status != Status::Unknown {
        return;
    }
    let settled = match open.name.as_str() {
        "timeout" => expected.timeout.and_then(|it| timeout(it.limit, facts)),
        "retry" => expected.retry.and_then(|it| amplification(&it, facts)),
        "circuit_breaker" => {
            let within = expected.circuit_breaker.and_then(|it| it.opens_within);
            within.and_then(|it| breaker(it, facts))
        }
        "bulkhead" => expected.bulkhead.as_ref().and_then(|it| limit(it, facts)),
        "load_shedding" => shedding(facts),
        _ => None,
    };
    let Some((measured, holds, evidence)) = settled else {
        return;
    };
    open.sentence = format!(
        "{} on {} was {measured}, expected {}",
        open.name, open.on, open.expected
    );
    open.status = if holds { Status::Met } else { Status::NotMet };
    // Counted, not guessed.
    open.confidence = 1.0;
    open.measured = measured;
    open.evidence = evidence;
}

/// Callers who waited longer than the bound were not made to leave within it.
fn timeout(limit: Duration, facts: &Facts) -> Option<Settled> {
    let waited = &facts.since.waited;
    let (longer, all) = (beyond(waited, limit), waited.count());
    // On a busy machine a few may be late: many were, or some far more than that.
    let many = longer >= FEW_LATE && longer * 20 >= all;
    let far = beyond(waited, limit * 2) >= FEW_LATE;
    (many || far).then(|| {
        let limit = limit.told(0);
        let evidence = format!("{longer} of {all} calls waited longer than {limit}");
        (format!("longer than {limit}"), false, evidence)
    })
}

/// How many calls each of the service's own brought, as against calm times: what attempts in all
/// come to, however few of them a breaker lets through. It says nothing of single attempts.
fn amplification(expected: &RetryExpectation, facts: &Facts) -> Option<Settled> {
    let bound: Bound<Times> = expected.amplification?;
    let asks_more = expected.attempts.is_some() || expected.backoff.is_some();
    let few = facts.before.calls < FEW || facts.service_during.calls < FEW;
    if few || asks_more || expected.jitter.is_some() {
        return None;
    }
    let calm = facts.before.calls as f64 / facts.service_before.calls.max(1) as f64;
    let times_of = |calls: u64| Times(calls as f64 / facts.service_during.calls as f64 / calm);
    // Calls that hang count once they end: with all of them it has to hold as well.
    let hanging = u64::from(facts.most_in_flight.unwrap_or(0));
    let times = times_of(facts.during.calls);
    let holds = bound.holds(times);
    let is_known = facts.most_in_flight.is_some() && facts.during.calls > 0;
    if holds && !(is_known && bound.holds(times_of(facts.during.calls + hanging))) {
        return None;
    }
    let evidence = format!(
        "{} calls for {} of the service's own, {} times as many as in the steady state",
        facts.during.calls,
        facts.service_during.calls,
        bound.tell(times)
    );
    let measured = format!("amplification {}", bound.tell(times));
    Some((measured, holds, evidence))
}

/// Calls that are made as ever and fail, after a breaker should have opened.
fn breaker(within: Duration, facts: &Facts) -> Option<Settled> {
    let late = &facts.late;
    let go_on = late.calls >= FEW && late.rate() >= facts.before.rate() * 0.5;
    let fail = late.ok * 20 <= late.calls;
    (go_on && fail).then(|| {
        let within = within.told(0);
        let evidence = format!(
            "{} of {} calls failed later than {within} after the first, and calls went on",
            late.failed(),
            late.calls
        );
        (format!("not open after {within}"), false, evidence)
    })
}

/// More calls in flight than there may be. One may have given its place up while its connection
/// closes, so a few more say nothing.
fn limit(expected: &BulkheadExpectation, facts: &Facts) -> Option<Settled> {
    let bound = expected.limit.filter(|_| facts.one_caller)?;
    let most = f64::from(facts.most_in_flight?);
    let slack = (bound.limit.0 / 5.0).max(1.0);
    let broken = !bound.holds(Times(most)) && !bound.holds(Times(most - slack));
    broken.then(|| {
        let evidence = format!("{most} calls were in flight at once");
        (format!("limit at least {most}"), false, evidence)
    })
}

/// Far more calls than usual that were all let in, and made each other wait.
fn shedding(facts: &Facts) -> Option<Settled> {
    let (before, during) = (&facts.service_before, &facts.service_during);
    let usual = before.waited.quantile_us(0.99)?;
    let then = during.waited.quantile_us(0.99)?;
    let many = during.calls >= FEW && during.rate() >= before.rate() * 2.0;
    // Who left of their own accord was let in.
    let all_let_in = during.errors * 100 <= during.calls;
    (many && all_let_in && then >= usual * 4).then(|| {
        let [usual, then] = [usual, then].map(|us| Duration::from_micros(us).told(1));
        let evidence = format!(
            "{:.0} calls a second instead of {:.0} were let in, and their p99 grew from {usual} to {then}",
            during.rate(),
            before.rate()
        );
        ("nobody refused".to_owned(), false, evidence)
    })
}

#[cfg(test)]
mod tests;
