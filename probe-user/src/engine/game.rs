//! A game day being run on this host: carries out what the state machine says.

use anyhow::Result;

use super::{
    commands::Commands, faults::Faults, place::Place, session::Session, trail::Safeguards,
};
use crate::{
    game_day::{Action, GameDay},
    kernel::clock,
    scenario::{Scenario, StepAction},
    snapshot::{FaultView, TimelineKind},
    verdict::{FaultCounters, Verdict},
};

/// A game day, its faults and its commands.
pub struct Game {
    /// The state machine.
    pub day: GameDay,
    faults: Faults,
    commands: Commands,
    /// When each step's fault was last armed and until when it was to hold.
    spans: Vec<Option<(u64, u64)>>,
    counters: Vec<FaultCounters>,
    overflow_read_ns: u64,
    verdict: Option<Verdict>,
}

impl Game {
    /// Prepares a scenario: everything that could fail before the first fault does so here.
    ///
    /// # Errors
    /// As [`Faults::prepare`].
    pub fn prepare(
        scenario: Scenario,
        place: Place,
        seed: u64,
        safeguards: Safeguards,
    ) -> Result<Self> {
        let day = GameDay::new(scenario, seed, clock::now_ns());
        let faults = Faults::prepare(
            day.scenario(),
            place,
            |step| day.step_seed(step),
            safeguards,
        )?;
        let steps = day.scenario().steps.len();
        Ok(Self {
            day,
            faults,
            commands: Commands::default(),
            spans: vec![None; steps],
            counters: vec![FaultCounters::default(); steps],
            overflow_read_ns: 0,
            verdict: None,
        })
    }

    /// Goes on: tells the state machine what was seen, and does what it says.
    pub async fn advance(&mut self, session: &mut Session) -> Vec<(TimelineKind, String)> {
        let now_ns = clock::now_ns();
        for (step, code) in self.commands.ended() {
            self.day.command_ended(step, now_ns, code);
        }
        self.read_counters();
        if let Err(error) = self.faults.follow_names() {
            self.faults.will_end("guard", &format!("{error:#}"));
        }
        // Asked first: what is over must not do what is due.
        let actions = match self.faults.ended_by_others() {
            Some(reason) if !self.day.is_over() => self.day.abort(now_ns, &reason),
            _ => self.day.tick(now_ns, session),
        };
        self.carry_out(actions, session).await
    }

    /// Takes note of what changed in what is told of resilience patterns.
    pub fn note_patterns(&mut self, session: &mut Session) -> Vec<(TimelineKind, String)> {
        let now_ns = clock::now_ns();
        let news = session.take_news().into_iter();
        news.map(|text| {
            let kind = TimelineKind::Pattern;
            self.day.note(now_ns, kind, text.clone());
            (kind, text)
        })
        .collect()
    }

    /// Stops it, for a reason.
    pub async fn abort(
        &mut self,
        session: &mut Session,
        reason: &str,
    ) -> Vec<(TimelineKind, String)> {
        self.faults.will_end("operator", reason);
        let actions = self.day.abort(clock::now_ns(), reason);
        self.carry_out(actions, session).await
    }

    /// What came of it, once it is over.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// Its faults, as they are shown.
    pub fn fault_views(&self, now_ns: u64) -> Vec<FaultView> {
        let steps = self.day.scenario().steps.iter().enumerate();
        steps
            .filter_map(|(index, step)| {
                let fault = step.fault()?;
                let (_, ends_ns) = self.spans[index]?;
                let counters = &self.counters[index];
                let left = self
                    .day
                    .is_armed(index)
                    .then(|| ends_ns.saturating_sub(now_ns));
                Some(FaultView {
                    label: step.label(),
                    left_ms: left.map(|ns| ns / 1_000_000),
                    duration_ms: fault.duration.as_millis() as u64,
                    seen: counters.seen,
                    faulted: counters.touched(),
                    overflow: counters.overflow,
                    matched: counters.matched,
                    handle: None,
                })
            })
            .collect()
    }

    /// When a fault held on a dependency: pairs of times, the end that was planned or came.
    pub fn fault_spans(&self, dependency: &str) -> Vec<(u64, u64)> {
        let steps = self.day.scenario().steps.iter().zip(&self.spans);
        steps
            .filter(|(step, _)| step.fault().is_some_and(|fault| fault.is_on(dependency)))
            .filter_map(|(_, span)| *span)
            .collect()
    }

    async fn carry_out(
        &mut self,
        actions: Vec<Action>,
        session: &mut Session,
    ) -> Vec<(TimelineKind, String)> {
        if let Some(reason) = self.day.aborted() {
            self.faults.will_end("guard", reason);
        }
        let mut told = Vec::new();
        let mut actions = std::collections::VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Tell(kind, text) => told.push((kind, text)),
                Action::Run { step } => self.run(step),
                Action::Finish => {
                    self.end_all().await;
                    session.settle_patterns();
                    told.extend(self.note_patterns(session));
                    self.verdict = self.day.verdict(session);
                }
                Action::DisarmAll => self.end_all().await,
                Action::Arm { step, ends_ns } => {
                    self.spans[step] = Some((clock::now_ns(), ends_ns));
                    if let Err(error) = self.faults.arm(step, ends_ns) {
                        let reason = format!("arming a fault: {error:#}");
                        actions.extend(self.day.abort(clock::now_ns(), &reason));
                    }
                }
                Action::Disarm { step } => {
                    if let Err(error) = self.faults.disarm(step) {
                        let reason = format!("ending a fault: {error:#}");
                        actions.extend(self.day.abort(clock::now_ns(), &reason));
                    }
                    self.end_span(step);
                    self.read_counters();
                }
            }
        }
        told
    }

    fn run(&mut self, step: usize) {
        let StepAction::Run(words) = &self.day.scenario().steps[step].action else {
            return;
        };
        if let Err(error) = self.commands.start(step, words) {
            log::warn!("{}: {error}", self.day.scenario().steps[step].label());
            self.day.command_ended(step, clock::now_ns(), None);
        }
    }

    async fn end_all(&mut self) {
        self.faults.end_all();
        for step in 0..self.spans.len() {
            self.end_span(step);
        }
        self.commands.stop().await;
        self.read_counters();
    }

    fn end_span(&mut self, step: usize) {
        let now_ns = clock::now_ns();
        if let Some((_, ends_ns)) = &mut self.spans[step] {
            *ends_ns = (*ends_ns).min(now_ns);
        }
    }

    fn read_counters(&mut self) {
        let now_ns = clock::now_ns();
        if now_ns.saturating_sub(self.overflow_read_ns) >= 1_000_000_000 {
            self.overflow_read_ns = now_ns;
            self.faults.read_overflow();
        }
        for step in 0..self.counters.len() {
            if let Some(counters) = self.faults.counters(step) {
                self.counters[step] = counters;
                self.day.fault_counters(step, counters);
            }
        }
    }
}
