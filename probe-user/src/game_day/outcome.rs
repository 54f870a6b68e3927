//! Sums a finished game day up in its verdict.

use super::{Evidence, GameDay, Progress, Span};
use crate::model::WindowStats;
use crate::pattern::{Sheet, Verdict as Shows};
use crate::scenario::StepAction;
use crate::snapshot::Status;
use crate::verdict::judge::{self, Judged};
use crate::verdict::{
    CommandOutcome, Course, DependencyOutcome, Effect, Ending, Expectation, FaultOutcome, Metrics,
    Recovery, Spans, Verdict, decide, patterns,
};

/// Without a call that ended well for so long, a service is down.
const DOWN_NS: u64 = 5_000_000_000;

impl GameDay {
    /// The verdict; `None` until it is over.
    ///
    /// Reads figures of past spans: `evidence` has to reach back to the beginning.
    pub fn verdict(&self, evidence: &dyn Evidence) -> Option<Verdict> {
        let mut verdict = self.summed_up(evidence)?;
        verdict.course = self.course(evidence);
        Some(verdict)
    }

    /// The verdict, were it aborted now; its course has no moments.
    pub fn standing(&self, now_ns: u64, evidence: &dyn Evidence) -> Option<Verdict> {
        let mut aborted = self.clone();
        aborted.abort(now_ns, "not over");
        let mut verdict = aborted.summed_up(evidence)?;
        verdict.course = aborted.outline();
        Some(verdict)
    }

    /// The verdict without its course.
    fn summed_up(&self, evidence: &dyn Evidence) -> Option<Verdict> {
        let ending = self.ending.as_ref()?;
        let stats = self.spans(|span| span.service(evidence));
        let patterns = evidence.patterns();
        let mut expectations = self.expectations(evidence);
        let expected = self.scenario.expect.patterns.iter();
        let of_patterns = expected.flat_map(|it| {
            let mut judged = patterns::judge(it, &patterns.sheets);
            self.settle(it, &mut judged, &patterns.sheets, evidence);
            judged
        });
        expectations.extend(of_patterns);
        let faults = self.fault_outcomes();
        let (kind, reason) = decide(ending, &faults, &expectations);
        Some(Verdict {
            scenario: self.scenario.name.clone(),
            hypothesis: self.scenario.hypothesis.clone(),
            service: self.scenario.service.name.clone(),
            kind,
            reason,
            seed: self.seed,
            steady_state: (self.steady_before(), self.steady_after(evidence).status),
            faults,
            commands: self.command_outcomes(),
            expectations,
            metrics: self.metrics(&stats.during, &patterns.sheets, evidence),
            stats,
            dependencies: self.dependency_outcomes(evidence),
            timeline: self.timeline.clone(),
            undeclared: evidence.undeclared(),
            patterns,
            started_ns: self.started_ns,
            lost_events: self.lost_so_far(),
            course: Course::default(),
            since_fault: self.since_fault(evidence),
            began_unix_s: None,
        })
    }

    /// Every expectation as it stands at the end; the steady state's return is one.
    fn expectations(&self, evidence: &dyn Evidence) -> Vec<Expectation> {
        let mut expectations = self.judge_during(u64::MAX, evidence);
        expectations.extend(self.judge_after(evidence));
        expectations
    }

    /// How what is expected of the time after the faults stands.
    pub(super) fn judge_after(&self, evidence: &dyn Evidence) -> Vec<Expectation> {
        let mut expectations = Vec::new();
        let on = &self.scenario.service.name;
        if let Some(bound) = &self.scenario.expect.recovery {
            let after = self
                .after
                .map(|span| span.service(evidence))
                .unwrap_or_default();
            let steady = &self.scenario.steady_state;
            let lost = self.lost_after();
            let judged = judge::recovery(bound, steady, &self.recovery, &after, lost);
            let judged = self.stayed_away(evidence).unwrap_or(judged);
            expectations.push(judged.expectation("recovery", on, bound));
        }
        expectations.push(self.steady_expectation(evidence));
        expectations
    }

    fn steady_expectation(&self, evidence: &dyn Evidence) -> Expectation {
        let judged = self.steady_after(evidence);
        let steady = &self.scenario.steady_state;
        let bounds = [
            steady
                .success_rate
                .map(|bound| format!("success_rate {bound}")),
            steady.p99.map(|bound| format!("p99 {bound}")),
        ];
        let expected = bounds.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let sentence = match judged.status {
            Status::Met => "the steady state held again".to_owned(),
            Status::NotMet => format!("the steady state did not hold again: {}", judged.evidence),
            Status::Unknown => format!("steady_state can't be told: {}", judged.evidence),
        };
        Expectation {
            name: "steady_state".to_owned(),
            on: self.scenario.service.name.clone(),
            expected,
            measured: judged.measured,
            status: judged.status,
            confidence: judged.confidence,
            evidence: judged.evidence,
            sentence,
        }
    }

    fn steady_before(&self) -> Status {
        match (&self.before, &self.ending) {
            (Some(_), _) => Status::Met,
            (None, Some(Ending::NotSteady(_))) => Status::NotMet,
            (None, _) => Status::Unknown,
        }
    }

    fn steady_after(&self, evidence: &dyn Evidence) -> Judged {
        let Some(span) = self.after.filter(|_| self.recovery != Recovery::Unknown) else {
            return Judged::unknown("it wasn't waited for");
        };
        let stats = span.service(evidence);
        if let Some(judged) = self.stayed_away(evidence) {
            return judged;
        }
        let mut judged =
            judge::steady_state(&self.scenario.steady_state, &stats, self.lost_after());
        if matches!(self.recovery, Recovery::NotWithin(_)) && judged.status == Status::Met {
            judged.status = Status::NotMet;
            judged.evidence = format!("too late, or on too few calls: {}", judged.evidence);
        }
        judged
    }

    /// A service that was killed and of which nothing was heard again did not come back. Without
    /// calls nothing can be told otherwise: those who make them may have gone.
    fn stayed_away(&self, evidence: &dyn Evidence) -> Option<Judged> {
        let from_ns = self.during?.to_ns;
        let to_ns = self.ended_ns.max(from_ns);
        let since = Span { from_ns, to_ns };

        let killed = self
            .scenario
            .steps
            .iter()
            .zip(&self.steps)
            .any(|(step, it)| {
                let ended = step
                    .fault()
                    .is_some_and(|fault| fault.fault.signal().is_some());
                ended && it.counters.touched() > 0
            });
        let silent = since.service(evidence).calls == 0 && self.lost_after() == 0;
        let too_late = matches!(self.recovery, Recovery::NotWithin(_));
        (killed && silent && too_late).then(|| Judged {
            measured: "never".to_owned(),
            status: Status::NotMet,
            confidence: 1.0,
            evidence: "it was killed, and no call ended since the last fault did".to_owned(),
        })
    }

    /// Events lost since the game day began.
    pub(super) fn lost_so_far(&self) -> u64 {
        self.lost.last.saturating_sub(self.lost.first.unwrap_or(0))
    }

    fn lost_after(&self) -> u64 {
        self.lost.last.saturating_sub(self.lost.faults_ended)
    }

    fn fault_outcomes(&self) -> Vec<FaultOutcome> {
        let steps = self.scenario.steps.iter().zip(&self.steps).enumerate();
        steps
            .filter_map(|(n, (step, state))| {
                let fault = step.fault()?;
                let effect = match state.progress {
                    Progress::Waiting => Effect::NotArmed,
                    _ if state.counters.touched() > 0 => Effect::Effective,
                    _ => Effect::Ineffective,
                };
                Some(FaultOutcome {
                    step: n + 1,
                    on: fault.on.clone(),
                    kind: fault.fault.kind().to_owned(),
                    label: step.label(),
                    counters: state.counters,
                    effect,
                })
            })
            .collect()
    }

    fn command_outcomes(&self) -> Vec<CommandOutcome> {
        let steps = self.scenario.steps.iter().zip(&self.steps).enumerate();
        steps
            .filter(|(_, (step, _))| matches!(step.action, StepAction::Run(_)))
            .map(|(n, (step, state))| CommandOutcome {
                step: n + 1,
                label: step.label(),
                started: state.progress != Progress::Waiting,
                exit_code: match state.progress {
                    Progress::Over { exit_code } => exit_code,
                    _ => None,
                },
            })
            .collect()
    }

    fn dependency_outcomes(&self, evidence: &dyn Evidence) -> Vec<DependencyOutcome> {
        let outcome = |dependency: &crate::scenario::Dependency| DependencyOutcome {
            name: dependency.name.clone(),
            tier: dependency.tier.name().into(),
            stats: self
                .spans(|span| evidence.dependency(&dependency.name, span.from_ns, span.to_ns)),
        };
        self.scenario.dependencies.iter().map(outcome).collect()
    }

    fn metrics(&self, during: &WindowStats, sheets: &[Sheet], evidence: &dyn Evidence) -> Metrics {
        let limit = self.scenario.steady_state.p99;
        let detection = self.detection(sheets, evidence);
        Metrics {
            availability: during.success_rate(),
            blast_radius: judge::blast_share(during, limit.as_ref()),
            time_to_detect: detection.as_ref().map(|it| it.after),
            detected_by: detection.map(|it| it.by),
            retry_amplification: self.amplification(sheets),
            error_budget: None,
            time_to_recover: match self.recovery {
                Recovery::After(time) => Some(time),
                _ => None,
            },
            automatic_recovery: match self.recovery {
                Recovery::Unknown => None,
                Recovery::After(_) => Some(true),
                Recovery::NotWithin(_) => Some(false),
            },
            degraded_not_down: self.kept_answering(during, evidence),
        }
    }

    /// The most attempts for a logical call among dependencies that a fault was on.
    fn amplification(&self, sheets: &[Sheet]) -> Option<f64> {
        let armed = self.scenario.steps.iter().zip(&self.steps);
        let on: Vec<&str> = armed
            .filter(|(_, state)| state.held.is_some())
            .filter_map(|(step, _)| Some(step.fault()?.on.as_str()))
            .collect();
        let faulted = sheets.iter().filter(|it| on.contains(&&*it.dependency));
        let told = faulted.filter_map(|it| match it.findings.retry.ground.verdict {
            Shows::Observed => it.findings.retry.amplification,
            Shows::Absent => Some(1.0),
            Shows::Unknown => None,
        });
        told.max_by(f64::total_cmp)
    }

    fn since_fault(&self, evidence: &dyn Evidence) -> WindowStats {
        let span = self.during.map(|during| Span {
            from_ns: during.from_ns,
            to_ns: self.ended_ns.max(during.to_ns),
        });
        span.map(|it| it.service(evidence)).unwrap_or_default()
    }

    /// Whether some call ended well in every slice of the faults in which any ended.
    fn kept_answering(&self, during: &WindowStats, evidence: &dyn Evidence) -> Option<bool> {
        let span = self.during.filter(|_| during.calls > 0)?;
        let slices = (span.to_ns - span.from_ns).div_ceil(DOWN_NS);
        let slice = |n: u64| {
            let from_ns = span.from_ns + n * DOWN_NS;
            let to_ns = (from_ns + DOWN_NS).min(span.to_ns);
            Span { from_ns, to_ns }.service(evidence)
        };
        Some(
            (0..slices)
                .map(slice)
                .all(|stats| stats.calls == 0 || stats.ok > 0),
        )
    }

    fn spans<T: Default>(&self, read: impl Fn(Span) -> T) -> Spans<T> {
        let read = |span: Option<Span>| span.map(&read).unwrap_or_default();
        Spans {
            before: read(self.before),
            during: read(self.during),
            after: read(self.after),
        }
    }
}
