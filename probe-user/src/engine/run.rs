//! A game day, with the dashboard or without.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, MissedTickBehavior, interval},
};

use super::{
    game::Game, picture, place::Place, session::Session, signals::Signals, trail::Safeguards,
};
use crate::{
    kernel::{clock, leftovers},
    scenario::Scenario,
    snapshot::{Snapshot, TimelineKind},
    tui::{self, Command},
    verdict::Verdict,
};

/// How often what was seen is taken in and the game day goes on.
const TICK: Duration = Duration::from_millis(50);

/// How a game day is to be shown.
pub struct Options {
    /// Seed of its random decisions.
    pub seed: u64,
    /// With the dashboard, in colour or not; else what happens is told line by line.
    pub dashboard: Option<tui::Options>,
    /// What keeps the host from harm.
    pub safeguards: Safeguards,
}

/// What a game day left.
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// How it looked at the end.
    pub last: Snapshot,
}

/// Runs a scenario to its verdict. `tell` is given what happens as it happens.
///
/// # Errors
/// Where the host or the scenario's surroundings can't: nothing was injected then.
pub async fn run(
    scenario: Scenario,
    options: Options,
    tell: impl FnMut(u64, TimelineKind, &str),
) -> Result<Outcome> {
    let began = SystemTime::now();
    let cleared = leftovers::clear();
    let place = Place::of(&scenario)?;
    let mut session = Session::begin(place.scope(&scenario)?, place.names(&scenario))?;
    session.note_cleared(cleared);
    let game = Game::prepare(scenario, place, options.seed, options.safeguards)?;
    let mut running = Running {
        session,
        game,
        tell,
    };
    match options.dashboard {
        None => running.headless().await?,
        Some(look) => running.on_screen(look).await?,
    }
    let mut verdict = running
        .game
        .verdict()
        .cloned()
        .context("the game day has no verdict")?;
    verdict.began_unix_s = began.duration_since(UNIX_EPOCH).ok().map(|it| it.as_secs());
    let last = running.picture();
    Ok(Outcome { verdict, last })
}

struct Running<T> {
    session: Session,
    game: Game,
    tell: T,
}

impl<T: FnMut(u64, TimelineKind, &str)> Running<T> {
    /// Until it is over or somebody ends it.
    async fn headless(&mut self) -> Result<()> {
        let mut signals = Signals::take()?;
        let mut tick = ticker();
        while !self.game.day.is_over() {
            tokio::select! {
                _ = tick.tick() => self.advance().await,
                name = signals.any() => self.abort(&format!("a person stopped it ({name})")).await,
            }
        }
        Ok(())
    }

    /// The same with the dashboard; once it is over, its end stays on screen until the person
    /// leaves.
    async fn on_screen(&mut self, look: tui::Options) -> Result<()> {
        let mut signals = Signals::take()?;
        let (pictures, seen) = watch::channel(Arc::new(self.picture()));
        let (commands, mut asked) = mpsc::channel(16);
        let mut screen = tokio::spawn(tui::run(seen, commands, look));
        let mut tick = ticker();
        let mut shown = 0u32;
        let ended = loop {
            tokio::select! {
                _ = tick.tick() => {
                    self.advance().await;
                    shown += 1;
                    if shown.is_multiple_of(2) {
                        let _ = pictures.send(Arc::new(self.picture()));
                    }
                }
                Some(command) = asked.recv() => self.obey(command).await,
                name = signals.any() => {
                    self.abort(&format!("a person stopped it ({name})")).await;
                    break None;
                }
                ended = &mut screen => break Some(ended),
            }
        };
        // Closing the channel ends the screen, where it hasn't ended by itself.
        drop(pictures);
        let ended = match ended {
            Some(ended) => ended,
            None => screen.await,
        };
        while let Ok(command) = asked.try_recv() {
            self.obey(command).await;
        }
        let ended = ended.context("the dashboard")?;
        if let Err(error) = &ended {
            self.abort(&format!("the dashboard ended: {error:#}")).await;
        }
        self.abort("a person left the dashboard").await;
        Ok(())
    }

    async fn advance(&mut self) {
        if let Err(error) = self.session.advance(|_, _| ()) {
            return self.abort(&format!("observing: {error:#}")).await;
        }
        if self.game.day.is_over() {
            return;
        }
        let told = self.game.note_patterns(&mut self.session);
        self.tell_all(told);
        let told = self.game.advance(&mut self.session).await;
        self.tell_all(told);
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Panic => self.abort("a person ended every fault").await,
            Command::Quit => self.abort("a person left the dashboard").await,
            Command::Shown => {}
            // A game day's faults are its scenario's: see `Snapshot::can_inject`.
            Command::Try { .. } | Command::Inject { .. } | Command::EndFault { .. } => {}
        }
    }

    async fn abort(&mut self, reason: &str) {
        let told = self.game.abort(&mut self.session, reason).await;
        self.tell_all(told);
    }

    fn tell_all(&mut self, told: Vec<(TimelineKind, String)>) {
        let at_ms = clock::now_ns().saturating_sub(self.session.started_ns) / 1_000_000;
        for (kind, text) in told {
            (self.tell)(at_ms, kind, &text);
        }
    }

    fn picture(&self) -> Snapshot {
        let faults = self.game.fault_views(clock::now_ns());
        picture::take(&self.session, Some(&self.game), faults)
    }
}

/// Ticks that, when late, don't try to catch up.
pub(super) fn ticker() -> tokio::time::Interval {
    let mut ticker = interval(TICK);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}
