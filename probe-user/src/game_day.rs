//! Runs a scenario: a state machine that is told the time and what was seen, and says what to
//! do. Steady state, faults, recovery, verdict.
//!
//! Pure: the engine carries out its actions. Calls count where they end, so one still in
//! flight when the last fault ends falls into the spans after it and holds recovery up.

use std::time::Duration;

use crate::model::{Undeclared, WindowStats};
use crate::pattern::Showing;
use crate::scenario::{Scenario, Step, StepAction};
use crate::snapshot::{Status, TimelineEntry, TimelineKind};
use crate::verdict::{Ending, FaultCounters, Recovery};

mod course;
mod detection;
mod facts;
mod gauges;
mod outcome;
mod phases;
mod view;
mod watch;

/// A first look later than this has missed some of what happened before it.
const PROMPT_NS: u64 = 500_000_000;

/// What the game day reads. Spans are on CLOCK_MONOTONIC, their end excluded; a call belongs
/// to the span that it ended in.
pub trait Evidence {
    /// The service's own inbound calls.
    fn service(&self, from_ns: u64, to_ns: u64) -> WindowStats;
    /// The service's calls to a dependency, by its name in the scenario.
    fn dependency(&self, name: &str, from_ns: u64, to_ns: u64) -> WindowStats;
    /// The service's calls to a dependency that wait for an answer now; `None` where that isn't
    /// known.
    fn in_flight(&self, _name: &str) -> Option<u32> {
        None
    }
    /// Events lost since observation began.
    fn lost_events(&self) -> u64;
    /// What the service called, since observation began, that the scenario doesn't declare.
    fn undeclared(&self) -> Vec<Undeclared>;
    /// Which resilience patterns showed so far.
    fn patterns(&self) -> Showing;
}

/// What the engine has to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Arm the fault of a step until a time on CLOCK_MONOTONIC.
    Arm {
        /// Index of the step.
        step: usize,
        /// When it ends, also if nobody disarms it.
        ends_ns: u64,
    },
    /// Take the fault of a step out; its last counters are wanted.
    Disarm {
        /// Index of the step.
        step: usize,
    },
    /// Take every fault out and stop every command, now.
    DisarmAll,
    /// Start the command of a step.
    Run {
        /// Index of the step.
        step: usize,
    },
    /// Say what happened; it is in the timeline already.
    Tell(TimelineKind, String),
    /// It is over: stop commands that still run, and take the verdict.
    Finish,
}

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    /// Armed or running since; a fault ends at `ends_ns`.
    Active {
        ends_ns: u64,
    },
    /// Over; a command that didn't exit by itself has no code.
    Over {
        exit_code: Option<i32>,
    },
}

#[derive(Clone, Copy, Debug)]
struct StepState {
    progress: Progress,
    counters: FaultCounters,
    /// When its fault held, where it was armed.
    held: Option<Span>,
}

/// A span on CLOCK_MONOTONIC, its end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from_ns: u64,
    to_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waiting for the steady state.
    Before,
    /// On the timeline, which began then.
    Faults { began_ns: u64 },
    /// Waiting for the steady state again; it may hold from then on.
    Recovery { candidate_ns: u64 },
    /// Finished.
    Over,
}

/// Events lost, as counted at moments that expectations are about.
#[derive(Clone, Copy, Debug, Default)]
struct LostMarks {
    first: Option<u64>,
    faults_began: u64,
    faults_ended: u64,
    last: u64,
}

/// A scenario being run.
#[derive(Clone, Debug)]
pub struct GameDay {
    scenario: Scenario,
    seed: u64,
    started_ns: u64,
    /// Since when what happens is read as it happens: arming may have taken its time.
    watching_ns: Option<u64>,
    phase: Phase,
    steps: Vec<StepState>,
    timeline: Vec<TimelineEntry>,
    ending: Option<Ending>,
    /// The steady state before.
    before: Option<Span>,
    /// Faults; until they are over its end is when they are to be.
    during: Option<Span>,
    /// The steady state again, or the last span that was looked at for it.
    after: Option<Span>,
    recovery: Recovery,
    lost: LostMarks,
    /// How expectations stood when that was last told.
    told: Vec<Status>,
    next_look_ns: u64,
    gauges: gauges::Gauges,
    ended_ns: u64,
}

impl GameDay {
    /// A game day that begins now. `seed` is where its random decisions come from.
    pub fn new(scenario: Scenario, seed: u64, now_ns: u64) -> Self {
        let waiting = StepState {
            progress: Progress::Waiting,
            counters: FaultCounters::default(),
            held: None,
        };
        Self {
            steps: vec![waiting; scenario.steps.len()],
            scenario,
            seed,
            started_ns: now_ns,
            watching_ns: None,
            phase: Phase::Before,
            timeline: Vec::new(),
            ending: None,
            before: None,
            during: None,
            after: None,
            recovery: Recovery::Unknown,
            lost: LostMarks::default(),
            told: Vec::new(),
            next_look_ns: 0,
            gauges: gauges::Gauges::default(),
            ended_ns: now_ns,
        }
    }

    /// What is being run.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Seed of a step's fault: the same for the same seed of the game day.
    pub fn step_seed(&self, step: usize) -> u64 {
        // The golden ratio's step of SplitMix64 (Steele, Lea and Flood 2014).
        self.seed
            .wrapping_add((step as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// When the steady state held before the faults, on CLOCK_MONOTONIC, its end excluded.
    pub fn steady_span(&self) -> Option<(u64, u64)> {
        self.before.map(|span| (span.from_ns, span.to_ns))
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether the fault of a step is armed now.
    pub fn is_armed(&self, step: usize) -> bool {
        let armed = |state: &StepState| matches!(state.progress, Progress::Active { .. });
        self.steps.get(step).is_some_and(armed) && self.scenario.steps[step].fault().is_some()
    }

    /// Goes on to `now_ns`. Called about ten times a second; a late call does what was due,
    /// and a fault that is armed late still holds for its whole time.
    pub fn tick(&mut self, now_ns: u64, evidence: &dyn Evidence) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.is_over() {
            return actions;
        }
        let late = now_ns.saturating_sub(self.started_ns) > PROMPT_NS;
        let since = if late { now_ns } else { self.started_ns };
        self.watching_ns.get_or_insert(since);
        self.lost.last = evidence.lost_events();
        self.look_at_gauges(now_ns, evidence);
        if self.lost.first.is_none() {
            self.lost.first = Some(self.lost.last);
            let steady = self.scenario.steady_state.duration;
            let text = format!("waiting for the steady state to hold for {}", told(steady));
            self.tell(now_ns, TimelineKind::Phase, text, &mut actions);
        }
        let time_box = self.scenario.time_box;
        if now_ns.saturating_sub(self.started_ns) > nanoseconds(time_box) {
            let reason = format!("the time box of {} is full", told(time_box));
            actions.extend(self.abort(now_ns, &reason));
            return actions;
        }
        match self.phase {
            Phase::Before => self.tick_before(now_ns, evidence, &mut actions),
            Phase::Faults { began_ns } => {
                self.tick_faults(began_ns, now_ns, evidence, &mut actions);
            }
            Phase::Recovery { candidate_ns } => {
                self.tick_recovery(candidate_ns, now_ns, evidence, &mut actions);
            }
            Phase::Over => {}
        }
        actions
    }

    /// Why it was aborted, if it was.
    pub fn aborted(&self) -> Option<&str> {
        match &self.ending {
            Some(Ending::Aborted(reason)) => Some(reason),
            _ => None,
        }
    }

    /// Stops it: a guard tripped, a person asked for it, or something failed.
    pub fn abort(&mut self, now_ns: u64, reason: &str) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.is_over() {
            return actions;
        }
        actions.push(Action::DisarmAll);
        self.tell(
            now_ns,
            TimelineKind::Alarm,
            format!("aborted: {reason}"),
            &mut actions,
        );
        for state in &mut self.steps {
            if matches!(state.progress, Progress::Active { .. }) {
                state.progress = Progress::Over { exit_code: None };
            }
        }
        let held = self.steps.iter_mut().filter_map(|it| it.held.as_mut());
        for span in held.chain(&mut self.during) {
            span.to_ns = span.to_ns.min(now_ns);
        }
        if let Phase::Faults { .. } = self.phase {
            self.lost.faults_ended = self.lost.last;
        }
        self.finish(now_ns, Ending::Aborted(reason.to_owned()), &mut actions);
        actions
    }

    /// Takes the latest counters of a step's fault. Also after its end: the last ones are in.
    pub fn fault_counters(&mut self, step: usize, counters: FaultCounters) {
        if let Some(state) = self.steps.get_mut(step) {
            state.counters = counters;
        }
    }

    /// Takes that the command of a step ended; without a code where it was killed or could
    /// not be started.
    pub fn command_ended(&mut self, step: usize, now_ns: u64, exit_code: Option<i32>) {
        let Some(Step {
            action: StepAction::Run(_),
            ..
        }) = self.scenario.steps.get(step)
        else {
            return;
        };
        self.steps[step].progress = Progress::Over { exit_code };
        let label = self.scenario.steps[step].label();
        let text = match exit_code {
            Some(code) => format!("command exited with {code}: {label}"),
            None => format!("command was killed or could not be started: {label}"),
        };
        self.record(now_ns, TimelineKind::Command, text);
    }

    /// Takes note of something that nothing was done for.
    pub fn note(&mut self, now_ns: u64, kind: TimelineKind, text: String) {
        self.record(now_ns, kind, text);
    }

    /// What happened so far, oldest first.
    pub fn timeline(&self) -> &[TimelineEntry] {
        &self.timeline
    }

    fn finish(&mut self, now_ns: u64, ending: Ending, actions: &mut Vec<Action>) {
        self.phase = Phase::Over;
        self.ended_ns = now_ns;
        self.ending = Some(ending);
        for n in 0..self.steps.len() {
            if matches!(self.steps[n].progress, Progress::Active { .. }) {
                self.steps[n].progress = Progress::Over { exit_code: None };
                let text = format!("still ran at the end: {}", self.scenario.steps[n].label());
                self.tell(now_ns, TimelineKind::Command, text, actions);
            }
        }
        actions.push(Action::Finish);
    }

    fn tell(&mut self, now_ns: u64, kind: TimelineKind, text: String, actions: &mut Vec<Action>) {
        self.record(now_ns, kind, text.clone());
        actions.push(Action::Tell(kind, text));
    }

    fn record(&mut self, now_ns: u64, kind: TimelineKind, text: String) {
        self.timeline.push(TimelineEntry {
            at_ms: now_ns.saturating_sub(self.started_ns) / 1_000_000,
            kind,
            text,
        });
    }
}

impl Span {
    fn service(self, evidence: &dyn Evidence) -> WindowStats {
        evidence.service(self.from_ns, self.to_ns)
    }

    fn holds(self, ns: u64) -> bool {
        (self.from_ns..self.to_ns).contains(&ns)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn told(duration: Duration) -> String {
    crate::quantity::words::duration(duration, 1)
}

#[cfg(test)]
mod tests;
