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
        let mut course = self.outline();
        let step_ms = course.step_ms;
        // A step that is not over would look like one in which less happened.
        for n in 0..course.length_ms / step_ms {
            let (service, dependencies) = self.moments(n * step_ms, (n + 1) * step_ms, evidence);
            course.service.moments.push(service);
            for (track, moment) in course.dependencies.iter_mut().zip(dependencies) {
                track.moments.push(moment);
            }
        }
        course
    }

    /// Figures of the service and of each dependency between two times since the beginning.
    pub fn moments(
        &self,
        from_ms: u64,
        to_ms: u64,
        evidence: &dyn Evidence,
    ) -> (Moment, Vec<Moment>) {
        let at = |ms: u64| self.started_ns.saturating_add(ms * 1_000_000);
        let (from, to) = (at(from_ms), at(to_ms));
        let dependencies = self.scenario.dependencies.iter().enumerate();
        let of = dependencies.map(|(n, dependency)| Moment {
            in_flight: self.gauges.most(n, from_ms, to_ms),
            ..moment(from_ms, &evidence.dependency(&dependency.name, from, to))
        });
        (moment(from_ms, &evidence.service(from, to)), of.collect())
    }

    /// The course without its moments.
    pub(super) fn outline(&self) -> Course {
        let length_ms = self.since_start(self.ended_ns);
        let step_ms = length_ms
            .div_ceil(MOST_STEPS)
            .next_multiple_of(SECOND_MS)
            .max(SECOND_MS);
        let track = |name: &str| Track {
            name: name.to_owned(),
            moments: Vec::new(),
        };
        let dependencies = self.scenario.dependencies.iter();
        Course {
            length_ms,
            step_ms,
            service: track(&self.scenario.service.name),
            dependencies: dependencies.map(|it| track(&it.name)).collect(),
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

    /// Time since the game day began, at a time on CLOCK_MONOTONIC.
    pub fn elapsed_ms(&self, now_ns: u64) -> u64 {
        self.since_start(now_ns)
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
