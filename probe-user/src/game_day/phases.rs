//! What each phase of a game day does with the time.

use std::time::Duration;

use super::{Action, Evidence, GameDay, Phase, Progress, Span, nanoseconds, told};
use crate::scenario::StepAction;
use crate::snapshot::TimelineKind;
use crate::verdict::judge::{is_steady, steady_state};
use crate::verdict::{Ending, Recovery};

/// The least that is waited for the steady state: services take their time to warm up.
const LEAST_GRACE: Duration = Duration::from_secs(15);

/// How long recovery is waited for where the scenario expects nothing of it, at the least.
const LEAST_RECOVERY: Duration = Duration::from_secs(30);

/// How finely recovery is looked for.
const GRAIN_NS: u64 = 100_000_000;

/// The most moments that one late tick looks at.
const MOST_MOMENTS: u64 = 200;

/// Later than this is worth a note.
const LATE_NS: u64 = 1_000_000_000;

impl GameDay {
    pub(super) fn tick_before(&mut self, now: u64, evidence: &dyn Evidence, out: &mut Vec<Action>) {
        let steady = self.scenario.steady_state;
        let length = nanoseconds(steady.duration);
        let waited = now.saturating_sub(self.watching_ns.unwrap_or(now));
        if waited < length {
            return;
        }
        let span = Span {
            from_ns: now - length,
            to_ns: now,
        };
        let stats = span.service(evidence);
        if is_steady(&steady, &stats) {
            let measured = steady_state(&steady, &stats, 0).evidence;
            let text = format!("the steady state holds: {measured}");
            self.tell(now, TimelineKind::Expectation, text, out);
            self.before = Some(span);
            self.begin_faults(now, evidence, out);
        } else if waited >= nanoseconds(self.grace()) {
            let why = match stats.calls {
                0 => format!("no call to {} ended", self.scenario.service.name),
                _ => steady_state(&steady, &stats, 0).evidence,
            };
            let reason = format!(
                "the steady state did not hold within {}, so nothing was injected: {why}",
                told(self.grace())
            );
            self.tell(now, TimelineKind::Alarm, reason.clone(), out);
            self.finish(now, Ending::NotSteady(reason), out);
        }
    }

    /// How long the steady state is waited for.
    pub(super) fn grace(&self) -> Duration {
        let thrice = self.scenario.steady_state.duration * 3;
        thrice.max(LEAST_GRACE).min(self.scenario.time_box)
    }

    /// How long after the last fault the steady state may begin again.
    pub(super) fn recovery_limit(&self) -> Duration {
        match self.scenario.expect.recovery {
            Some(bound) => bound.limit,
            None => LEAST_RECOVERY.max(self.scenario.steady_state.duration * 3),
        }
    }

    fn begin_faults(&mut self, now: u64, evidence: &dyn Evidence, out: &mut Vec<Action>) {
        self.phase = Phase::Faults { began_ns: now };
        self.lost.faults_began = self.lost.last;
        let text = match self.scenario.steps.len() {
            1 => "the step begins".to_owned(),
            steps => format!("{steps} steps begin"),
        };
        self.tell(now, TimelineKind::Phase, text, out);
        self.tick_faults(now, now, evidence, out);
    }

    pub(super) fn tick_faults(
        &mut self,
        began: u64,
        now: u64,
        evidence: &dyn Evidence,
        out: &mut Vec<Action>,
    ) {
        // Guards first: none of what follows is to be armed once one has tripped.
        if let Some(reason) = self.tripped_guard(now, evidence) {
            out.extend(self.abort(now, &reason));
            return;
        }
        self.end_faults(now, out);
        self.begin_steps(began, now, out);
        self.look_at_expectations(now, evidence, out);
        if self.steps_are_over(began, now) {
            self.begin_recovery(began, now, out);
        }
    }

    fn end_faults(&mut self, now: u64, out: &mut Vec<Action>) {
        for n in 0..self.steps.len() {
            let Progress::Active { ends_ns } = self.steps[n].progress else {
                continue;
            };
            let step = &self.scenario.steps[n];
            if step.fault().is_some() && now >= ends_ns {
                let text = format!("over: {}", step.label());
                self.steps[n].progress = Progress::Over { exit_code: None };
                out.push(Action::Disarm { step: n });
                self.tell(now, TimelineKind::Fault, text, out);
            }
        }
    }

    fn begin_steps(&mut self, began: u64, now: u64, out: &mut Vec<Action>) {
        let mut due: Vec<(u64, usize)> = (0..self.steps.len())
            .filter(|n| self.steps[*n].progress == Progress::Waiting)
            .map(|n| {
                (
                    began.saturating_add(nanoseconds(self.scenario.steps[n].at)),
                    n,
                )
            })
            .filter(|(at, _)| now >= *at)
            .collect();
        due.sort_unstable();
        for (at, n) in due {
            let step = &self.scenario.steps[n];
            let late = match now - at {
                0..LATE_NS => String::new(),
                late => format!(", {} late", told(Duration::from_nanos(late))),
            };
            let label = step.label();
            match &step.action {
                StepAction::Fault(fault) => {
                    let text = format!("armed for {}{late}: {label}", told(fault.duration));
                    let ends_ns = now.saturating_add(nanoseconds(fault.duration));
                    self.arm(n, now, ends_ns);
                    out.push(Action::Arm { step: n, ends_ns });
                    self.tell(now, TimelineKind::Fault, text, out);
                }
                StepAction::Run(_) => {
                    self.steps[n].progress = Progress::Active { ends_ns: u64::MAX };
                    out.push(Action::Run { step: n });
                    self.tell(
                        now,
                        TimelineKind::Command,
                        format!("started{late}: {label}"),
                        out,
                    );
                }
            }
        }
    }

    fn arm(&mut self, step: usize, now: u64, ends_ns: u64) {
        self.steps[step].progress = Progress::Active { ends_ns };
        self.steps[step].held = Some(Span {
            from_ns: now,
            to_ns: ends_ns,
        });
        let during = self.during.get_or_insert(Span {
            from_ns: now,
            to_ns: ends_ns,
        });
        during.to_ns = during.to_ns.max(ends_ns);
    }

    /// Whether every step was begun and every fault has ended. Commands may go on beside the
    /// recovery, as load does; only where there is no fault at all is their end waited for.
    fn steps_are_over(&self, began: u64, now: u64) -> bool {
        let steps = || self.steps.iter().zip(&self.scenario.steps);
        let has_faults = self.during.is_some();
        now >= began
            && steps().all(|(state, step)| match state.progress {
                Progress::Waiting => false,
                Progress::Active { .. } => has_faults && step.fault().is_none(),
                Progress::Over { .. } => true,
            })
    }

    fn begin_recovery(&mut self, began: u64, now: u64, out: &mut Vec<Action>) {
        let during = self.during.get_or_insert(Span {
            from_ns: began,
            to_ns: now,
        });
        // The kernel ended the last fault on time, however late this tick is.
        let ended = during.to_ns;
        self.phase = Phase::Recovery {
            candidate_ns: ended,
        };
        self.lost.faults_ended = self.lost.last;
        let text = "the last fault is over: waiting for the steady state again".to_owned();
        self.tell(now, TimelineKind::Phase, text, out);
    }

    /// Looks for the first moment since the end of the faults from which the steady state held
    /// for its whole length.
    pub(super) fn tick_recovery(
        &mut self,
        candidate: u64,
        now: u64,
        evidence: &dyn Evidence,
        out: &mut Vec<Action>,
    ) {
        let steady = self.scenario.steady_state;
        let length = nanoseconds(steady.duration);
        let ended = self.during.map_or(candidate, |during| during.to_ns);
        let last = ended.saturating_add(nanoseconds(self.recovery_limit()));
        let newest = now.saturating_sub(length).min(last);
        let grain = GRAIN_NS.max(newest.saturating_sub(candidate) / MOST_MOMENTS);
        let mut from = candidate;
        while from <= newest {
            let span = Span {
                from_ns: from,
                to_ns: from + length,
            };
            self.after = Some(span);
            if is_steady(&steady, &span.service(evidence)) {
                let time = Duration::from_nanos(from - ended);
                self.recovery = Recovery::After(time);
                let text = format!("the steady state holds again, since {} after", told(time));
                self.tell(now, TimelineKind::Expectation, text, out);
                self.finish(now, Ending::Completed, out);
                return;
            }
            from += grain;
        }
        self.phase = Phase::Recovery { candidate_ns: from };
        if from > last {
            self.recovery = Recovery::NotWithin(self.recovery_limit());
            let limit = told(self.recovery_limit());
            let text = format!("the steady state did not come back within {limit}");
            self.tell(now, TimelineKind::Expectation, text, out);
            self.finish(now, Ending::Completed, out);
        }
    }
}
