//! A game day, with the dashboard or without.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use tokio::time::{Duration, MissedTickBehavior, interval};

use super::{
    game::Game,
    picture,
    place::Place,
    recorder::{Left, Recorder},
    screen::{Said, Screen},
    session::Session,
    signals::Signals,
    tape::Destination,
    trail::Safeguards,
};
use crate::{
    kernel::{clock, leftovers},
    scenario::Scenario,
    snapshot::{Snapshot, TimelineKind},
    tui::{self, Command},
    verdict::{Slo, Verdict},
};

/// How often what was seen is taken in and the game day goes on.
const TICK: Duration = Duration::from_millis(50);

/// How many ticks lie between two pictures for the dashboard.
const PICTURE_EVERY: u32 = 2;

/// How a game day is to be shown.
pub struct Options {
    /// Seed of its random decisions.
    pub seed: u64,
    /// With the dashboard, in colour or not; else what happens is told line by line.
    pub dashboard: Option<tui::Options>,
    /// What keeps the host from harm.
    pub safeguards: Safeguards,
    /// Where its journal goes; its beginning is noted there when it begins.
    pub journal: Destination,
    /// The promise whose error budget is told.
    pub slo: Option<Slo>,
}

/// What a game day left.
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// How it looked at the end.
    pub last: Snapshot,
    /// Its journal.
    pub journal: Left,
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
    // Before the screen, which isn't for what it says; and where names are looked up, which may take
    // long, any signal may end it.
    let cleared = leftovers::clear();
    let place = Place::of(&scenario)?;
    let mut signals = Signals::take()?;
    // Shown at once: what is behind it takes a while to be there.
    let mut screen = match options.dashboard {
        Some(look) => Some(Screen::open(Snapshot::default(), look).await),
        None => None,
    };
    let mut running = match Running::prepare(scenario, place, options, began, tell) {
        Ok(running) => running,
        Err(error) => {
            // The terminal is given back before anything is told on it.
            if let Some(screen) = screen {
                let _ = screen.close().await;
            }
            return Err(error);
        }
    };
    running.session.note_cleared(cleared);
    running.play(&mut signals, screen.as_mut()).await;
    if let Some(screen) = screen {
        running.leave(screen).await;
    }
    running.conclude();
    let (verdict, last) = (running.verdict(), running.picture());
    Ok(Outcome {
        verdict: verdict.context("the game day has no verdict")?,
        last,
        journal: running.recorder.finish(),
    })
}

struct Running<T> {
    session: Session,
    game: Game,
    tell: T,
    recorder: Recorder,
    ticks: u32,
    began_unix_s: Option<u64>,
    slo: Option<Slo>,
}

impl<T: FnMut(u64, TimelineKind, &str)> Running<T> {
    fn prepare(
        scenario: Scenario,
        place: Place,
        options: Options,
        began: SystemTime,
        tell: T,
    ) -> Result<Self> {
        let session = Session::begin(place.scope(&scenario)?, place.names(&scenario))?;
        let game = Game::prepare(scenario, place, options.seed, options.safeguards)?;
        let began_unix_s = began.duration_since(UNIX_EPOCH).ok().map(|it| it.as_secs());
        let mut journal = options.journal;
        journal.begin.began_unix_s = began_unix_s;
        Ok(Self {
            session,
            game,
            tell,
            recorder: Recorder::begin(&journal),
            ticks: 0,
            began_unix_s,
            slo: options.slo,
        })
    }

    /// Until somebody ends it, or it is over; on a screen that end is looked at until the person
    /// leaves.
    async fn play(&mut self, signals: &mut Signals, mut screen: Option<&mut Screen>) {
        let mut tick = ticker();
        while screen.is_some() || !self.game.day.is_over() {
            tokio::select! {
                _ = tick.tick() => {
                    self.advance().await;
                    let picture = self.picture_due(screen.is_some());
                    if let (Some(screen), Some(picture)) = (&screen, picture) {
                        screen.show(picture);
                    }
                }
                said = next(&mut screen) => match said {
                    Said::Asked(command) => self.obey(command).await,
                    Said::Ended => break,
                },
                name = signals.any() => {
                    self.abort(&format!("a person stopped it ({name})")).await;
                    break;
                }
            }
        }
    }

    /// Gives the terminal back, and ends what still goes on.
    async fn leave(&mut self, screen: Screen) {
        let (ended, asked) = screen.close().await;
        for command in asked {
            self.obey(command).await;
        }
        if let Err(error) = ended {
            self.abort(&format!("the dashboard ended: {error:#}")).await;
        }
        self.abort("a person left the dashboard").await;
    }

    async fn advance(&mut self) {
        self.go_on().await;
        self.ticks = self.ticks.wrapping_add(1);
        self.recorder.look(&self.session, &self.game);
        if let Some(trouble) = self.recorder.news() {
            let text = format!("the journal can't be written: {trouble}");
            self.session.note(TimelineKind::Note, text.clone());
            self.tell_all(vec![(TimelineKind::Note, text)]);
        }
    }

    async fn go_on(&mut self) {
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
            // There is none here.
            Command::Replay(_) => {}
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

    /// The picture of now, where one is due for the dashboard or to be written down.
    fn picture_due(&mut self, is_shown: bool) -> Option<Arc<Snapshot>> {
        if self.game.day.is_over() {
            self.conclude();
        }
        let is_shown = is_shown && self.ticks.is_multiple_of(PICTURE_EVERY);
        let is_written = self.recorder.wants_moment(clock::now_ns());
        if !is_shown && !is_written {
            return None;
        }
        let picture = Arc::new(self.picture());
        if is_written {
            self.recorder.moment(&picture);
        }
        Some(picture)
    }

    /// Writes the journal's last words, once it is over.
    fn conclude(&mut self) {
        if self.recorder.has_ended() {
            return;
        }
        let Some(verdict) = self.verdict() else {
            return;
        };
        self.recorder.look(&self.session, &self.game);
        self.recorder.last_moment(self.picture());
        let at_ms = self.session.elapsed_ms(clock::now_ns());
        self.recorder.end(at_ms, verdict);
    }

    /// What came of it, once it is over.
    fn verdict(&self) -> Option<Verdict> {
        let mut verdict = self.game.verdict()?.clone();
        verdict.began_unix_s = self.began_unix_s;
        verdict.reckon(self.slo.as_ref());
        Some(verdict)
    }

    fn picture(&self) -> Snapshot {
        let faults = self.game.fault_views(clock::now_ns());
        picture::take(&self.session, Some(&self.game), faults)
    }
}

/// What comes from a screen: nothing, ever, where there is none.
async fn next(screen: &mut Option<&mut Screen>) -> Said {
    match screen {
        Some(screen) => screen.next().await,
        None => std::future::pending().await,
    }
}

/// Ticks that, when late, don't try to catch up.
pub(super) fn ticker() -> tokio::time::Interval {
    let mut ticker = interval(TICK);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}
