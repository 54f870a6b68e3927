//! What is watched while faults hold: guards, and how expectations stand.

use super::{Action, Evidence, GameDay, Span, nanoseconds, told};
use crate::model::WindowStats;
use crate::plan::Share;
use crate::quantity::{Measure, Sustained};
use crate::snapshot::{Status, TimelineKind};
use crate::verdict::{Expectation, judge, undeclared};

/// How often expectations are looked at for the timeline.
const LOOK_NS: u64 = 1_000_000_000;

impl GameDay {
    /// Why the game day has to be aborted, if a guard's condition held for its time.
    pub(super) fn tripped_guard(&self, now: u64, evidence: &dyn Evidence) -> Option<String> {
        let abort = self.scenario.abort;
        let rate = |stats: &WindowStats| stats.success_rate().and_then(Share::new);
        let p99 = |stats: &WindowStats| {
            stats
                .waited
                .quantile_us(0.99)
                .map(std::time::Duration::from_micros)
        };
        self.tripped("success_rate", abort.success_rate, rate, now, evidence)
            .or_else(|| self.tripped("p99", abort.p99, p99, now, evidence))
    }

    /// A condition has held for its time where it holds over that span and over each third of
    /// it, as far as calls ended in them: one bad moment, which can touch two of them, doesn't
    /// stop a game day.
    fn tripped<T: Measure>(
        &self,
        name: &str,
        guard: Option<Sustained<T>>,
        measure: impl Fn(&WindowStats) -> Option<T>,
        now: u64,
        evidence: &dyn Evidence,
    ) -> Option<String> {
        let guard = guard?;
        let length = nanoseconds(guard.duration);
        let from = now.checked_sub(length)?;
        if from < self.during?.from_ns {
            return None;
        }
        let over = |from_ns, to_ns| measure(&Span { from_ns, to_ns }.service(evidence));
        let value = over(from, now).filter(|value| guard.bound.holds(*value))?;
        let edge = |n: u64| from + length / 3 * n;
        let thirds = [
            over(from, edge(1)),
            over(edge(1), edge(2)),
            over(edge(2), now),
        ];
        thirds
            .into_iter()
            .flatten()
            .all(|value| guard.bound.holds(value))
            .then(|| {
                format!(
                    "guard tripped: {name} was {} over {}, limit {}",
                    guard.bound.tell(value),
                    told(guard.duration),
                    guard.bound.told()
                )
            })
    }

    /// Notes expectations that broke or came right again since the last look.
    pub(super) fn look_at_expectations(
        &mut self,
        now: u64,
        evidence: &dyn Evidence,
        out: &mut Vec<Action>,
    ) {
        let Some(during) = self.during else { return };
        if now < self.next_look_ns || now <= during.from_ns {
            return;
        }
        self.next_look_ns = now + LOOK_NS;
        let judged = self.judge_during(now, evidence);
        self.told.resize(judged.len(), Status::Unknown);
        for (n, expectation) in judged.iter().enumerate() {
            let text = match (self.told[n], expectation.status) {
                (Status::Met | Status::Unknown, Status::NotMet) => {
                    format!("broke: {}", expectation.sentence)
                }
                (Status::NotMet, Status::Met) => format!("holds again: {}", expectation.sentence),
                _ => continue,
            };
            self.told[n] = expectation.status;
            self.tell(now, TimelineKind::Expectation, text, out);
        }
    }

    /// How what is expected of the time of the faults stands, as seen until `until_ns`.
    pub(super) fn judge_during(&self, until_ns: u64, evidence: &dyn Evidence) -> Vec<Expectation> {
        let stats = self.during.map(|during| {
            let to_ns = during.to_ns.min(until_ns).max(during.from_ns);
            Span { to_ns, ..during }.service(evidence)
        });
        let lost = self.lost_during();
        let on = self.scenario.service.name.as_str();
        let expect = &self.scenario.expect;
        let limit = self.scenario.steady_state.p99;
        let nothing = || judge::Judged::unknown("no fault was armed");
        let mut judged = Vec::new();
        if let Some(bound) = &expect.success_rate {
            let j = stats.as_ref().map(|s| judge::success_rate(bound, s, lost));
            judged.push(
                j.unwrap_or_else(nothing)
                    .expectation("success_rate", on, bound),
            );
        }
        if let Some(bound) = &expect.p99 {
            let j = stats.as_ref().map(|s| judge::p99(bound, s, lost));
            judged.push(j.unwrap_or_else(nothing).expectation("p99", on, bound));
        }
        if let Some(bound) = &expect.blast_radius {
            let j = stats
                .as_ref()
                .map(|s| judge::blast_radius(bound, s, limit.as_ref(), lost));
            judged.push(
                j.unwrap_or_else(nothing)
                    .expectation("blast_radius", on, bound),
            );
        }
        if let Some(most) = expect.undeclared_dependencies {
            let found = evidence.undeclared();
            judged.push(undeclared::judge(most, &found, self.lost_so_far(), on));
        }
        judged
    }

    /// Events lost while faults held.
    pub(super) fn lost_during(&self) -> u64 {
        let until = match self.phase {
            super::Phase::Faults { .. } => self.lost.last,
            _ => self.lost.faults_ended,
        };
        until.saturating_sub(self.lost.faults_began)
    }
}
