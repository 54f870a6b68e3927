//! What was counted of a dependency whose patterns are expected, for where the detectors leave an
//! expectation open.

use super::{Evidence, GameDay, Span, nanoseconds};
use crate::pattern::Sheet;
use crate::scenario::PatternExpectation;
use crate::verdict::Expectation;
use crate::verdict::patterns::{Facts, settle};

/// How finely the first failure is looked for.
const GRAIN_NS: u64 = 100_000_000;

impl GameDay {
    /// Settles what of an expected pattern is open, unless lost events could turn it.
    pub(super) fn settle(
        &self,
        expected: &PatternExpectation,
        judged: &mut [Expectation],
        sheets: &[Sheet],
        evidence: &dyn Evidence,
    ) {
        if self.lost_so_far() > 0 {
            return;
        }
        let Some(mut facts) = self.facts(expected, evidence) else {
            return;
        };
        // Each process has places of its own, and those that wait are counted of all together.
        let callers = sheets.iter().filter(|it| it.dependency == expected.on);
        let mut pids: Vec<u32> = callers.map(|it| it.pid).collect();
        pids.sort_unstable();
        pids.dedup();
        facts.one_caller = matches!(pids[..], [pid] if pid != 0);
        judged
            .iter_mut()
            .for_each(|open| settle(expected, &facts, open));
    }

    fn facts(&self, expected: &PatternExpectation, evidence: &dyn Evidence) -> Option<Facts> {
        let on = expected.on.as_str();
        let before = self.before?;
        let during = self.faulted(on).or(self.during)?;
        let calls = |span: Span| evidence.dependency(on, span.from_ns, span.to_ns);
        let breaker = expected.circuit_breaker.and_then(|it| it.opens_within);
        let late = breaker.and_then(|within| {
            let failed = first_failed(on, during, evidence)?;
            let from_ns = failed.saturating_add(nanoseconds(within));
            (from_ns < during.to_ns).then_some(Span { from_ns, ..during })
        });
        let since = Span {
            from_ns: during.from_ns,
            to_ns: self.ended_ns.max(during.to_ns),
        };
        let index = self
            .scenario
            .dependencies
            .iter()
            .position(|it| it.name == on)?;
        let ms = |ns: u64| ns.saturating_sub(self.started_ns) / 1_000_000;
        Some(Facts {
            before: calls(before),
            during: calls(during),
            since: calls(since),
            late: late.map(calls).unwrap_or_default(),
            one_caller: false,
            most_in_flight: self.gauges.most(index, ms(since.from_ns), ms(since.to_ns)),
            service_before: before.service(evidence),
            service_during: during.service(evidence),
        })
    }

    /// From the first fault on a dependency to the end of the last.
    fn faulted(&self, on: &str) -> Option<Span> {
        let steps = self.scenario.steps.iter().zip(&self.steps);
        let held = steps
            .filter(|(step, _)| step.fault().is_some_and(|fault| fault.is_on(on)))
            .filter_map(|(_, state)| state.held);
        held.reduce(|a, b| Span {
            from_ns: a.from_ns.min(b.from_ns),
            to_ns: a.to_ns.max(b.to_ns),
        })
    }
}

/// The end of the first slice in which a call failed.
fn first_failed(on: &str, span: Span, evidence: &dyn Evidence) -> Option<u64> {
    let mut slices = (span.from_ns..span.to_ns).step_by(GRAIN_NS as usize);
    let failed = |from: &u64| evidence.dependency(on, *from, from + GRAIN_NS).failed() > 0;
    slices.find(failed).map(|from| from + GRAIN_NS)
}
