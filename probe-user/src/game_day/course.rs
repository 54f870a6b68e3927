//! The course of a finished game day, read from what was seen.

use super::{Evidence, GameDay, Span};
use crate::model::WindowStats;
use crate::verdict::course::{Course, FaultSpan, Moment, SpanMs, Track};

/// The most steps that a course is divided into: more than a chart has room for.
const MOST_STEPS: u64 = 600;

const SECOND_MS: u64 = 1_000;

impl GameDay {
    /// The course of the whole, in steps of whole seconds.
    pub(super) fn course(&self, evidence: &dyn Evidence) -> Course {
        let length_ms = self.since_start(self.ended_ns);
        let step_ms = length_ms
            .div_ceil(MOST_STEPS)
            .next_multiple_of(SECOND_MS)
            .max(SECOND_MS);
        // A step that is not over would look like one in which less happened.
        let steps = length_ms / step_ms;
        let track = |name: &str, read: &dyn Fn(u64, u64) -> Moment| Track {
            name: name.to_owned(),
            moments: (0..steps)
                .map(|n| read(n * step_ms, (n + 1) * step_ms))
                .collect(),
        };
        let at = |ms: u64| self.started_ns.saturating_add(ms * 1_000_000);
        let dependencies = self.scenario.dependencies.iter().enumerate();
        Course {
            length_ms,
            step_ms,
            service: track(&self.scenario.service.name, &|from, to| {
                moment(from, &evidence.service(at(from), at(to)))
            }),
            dependencies: dependencies
                .map(|(n, dependency)| {
                    let name = &dependency.name;
                    track(name, &|from, to| Moment {
                        in_flight: self.gauges.most(n, from, to),
                        ..moment(from, &evidence.dependency(name, at(from), at(to)))
                    })
                })
                .collect(),
            faults: self.fault_spans(),
            before: self.before.map(|span| self.told_span(span)),
            during: self.during.map(|span| self.told_span(span)),
            after: self.after.map(|span| self.told_span(span)),
        }
    }

    fn fault_spans(&self) -> Vec<FaultSpan> {
        let steps = self.scenario.steps.iter().zip(&self.steps).enumerate();
        let armed = |(n, (step, state)): (usize, (&crate::scenario::Step, &super::StepState))| {
            Some(FaultSpan {
                step: n + 1,
                on: step.fault()?.on.clone(),
                label: step.label(),
                span: self.told_span(state.held?),
            })
        };
        steps.filter_map(armed).collect()
    }

    fn told_span(&self, span: Span) -> SpanMs {
        (self.since_start(span.from_ns), self.since_start(span.to_ns))
    }

    fn since_start(&self, ns: u64) -> u64 {
        ns.saturating_sub(self.started_ns) / 1_000_000
    }
}

fn moment(at_ms: u64, stats: &WindowStats) -> Moment {
    Moment {
        at_ms,
        ok: stats.ok,
        failed: stats.failed(),
        abandoned: stats.abandoned,
        p50_us: stats.waited.quantile_us(0.5),
        p99_us: stats.waited.quantile_us(0.99),
        in_flight: None,
    }
}
