//! The live dashboard: draws the engine's pictures, hands it the person's commands.
//!
//! Knows `Snapshot` and nothing else of the rest. State, update and view are apart: `update` is
//! the only place where state changes, `view` the only one where it is drawn.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::snapshot::Snapshot;
use input::Input;
use message::Message;
use state::{Leaving, State};
use terminal::Screen;
use theme::Theme;

mod figures;
mod form;
mod input;
mod keys;
mod message;
mod picture;
mod replay;
mod state;
mod terminal;
/// How many columns the terminal has; `None` where it doesn't tell.
pub fn columns() -> Option<usize> {
    let (columns, _) = crossterm::terminal::size().ok()?;
    (columns > 0).then_some(usize::from(columns))
}

#[cfg(test)]
mod tests;
mod theme;
mod update;
mod view;

pub use picture::picture;

/// Between two frames at least.
const FRAME: Duration = Duration::from_millis(100);
/// Between two looks at whether pictures still come.
const TICK: Duration = Duration::from_secs(1);
/// How long leaving waits for faults to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a person at the dashboard tells the engine to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// End every fault now.
    Panic,
    /// Wind up: the person is leaving.
    Quit,
    /// Nothing: the first frame is on the screen.
    Shown,
    /// Tell in the next pictures what a fault would touch, without arming it.
    Try {
        /// By which the answer is known.
        number: u32,
        /// The fault, as `probe inject` takes it.
        words: Vec<String>,
    },
    /// Start a fault.
    Inject {
        /// The fault, as `probe inject` takes it.
        words: Vec<String>,
    },
    /// End one fault that was started from here.
    EndFault {
        /// Which one.
        handle: u32,
    },
    /// Something about a replay.
    Replay(Replay),
}

/// What a person at a replay wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Stand still, or go on.
    Pause,
    /// Go twice as fast.
    Faster,
    /// Go half as fast.
    Slower,
    /// Stand still at the next picture.
    Step,
    /// Begin anew.
    Restart,
}

/// How the dashboard is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether in colour. What colours tell, symbols tell too.
    pub color: bool,
}

/// Runs the dashboard until the person leaves or the engine drops its end of `snapshots`.
///
/// Draws at most ten frames a second, and only when something changed; the first at once, whether
/// a picture has come or not. The terminal is given back however it ends. Fails where there is no
/// terminal, or where it goes away.
pub async fn run(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    commands: mpsc::Sender<Command>,
    options: Options,
) -> anyhow::Result<()> {
    let mut screen = Screen::take()?;
    let mut input = Input::start()?;
    let mut dashboard = Dashboard::new(commands, options);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // The channel's first value may be a real picture, or the empty one it was made with.
    let first = Arc::clone(&snapshots.borrow_and_update());
    if !first.title.is_empty() {
        dashboard.take_snapshot(first);
    }
    loop {
        tokio::select! {
            biased;
            () = sleep_until(dashboard.next_frame), if dashboard.changed => {
                dashboard.draw(&mut screen)?;
                if !std::mem::replace(&mut dashboard.is_shown, true) {
                    // Whoever waits for it waits no longer than a moment.
                    let _ = dashboard.commands.try_send(Command::Shown);
                }
            }
            message = input.next() => match message {
                Some(message) => dashboard.take(message),
                None => anyhow::bail!("reading keys: the terminal went away"),
            },
            changed = snapshots.changed() => match changed {
                Ok(()) => {
                    let snapshot = Arc::clone(&snapshots.borrow_and_update());
                    dashboard.take_snapshot(snapshot);
                }
                Err(_) => return Ok(()),
            },
            _ = ticks.tick() => dashboard.tick(),
            () = sleep_until(dashboard.patience), if dashboard.state.leaving != Leaving::No => {
                return Ok(());
            }
        }
        if dashboard.state.leaving == Leaving::Now {
            return Ok(());
        }
    }
}

/// The state, and when it was last drawn and told.
struct Dashboard {
    state: State,
    theme: Theme,
    commands: mpsc::Sender<Command>,
    /// Whether a frame was drawn.
    is_shown: bool,
    changed: bool,
    next_frame: Instant,
    last_snapshot: Instant,
    /// Until when leaving waits for faults to end.
    patience: Instant,
}

impl Dashboard {
    fn new(commands: mpsc::Sender<Command>, options: Options) -> Self {
        let now = Instant::now();
        Self {
            state: State::default(),
            theme: Theme::new(options.color),
            commands,
            is_shown: false,
            changed: true,
            next_frame: now,
            last_snapshot: now,
            patience: now,
        }
    }

    fn draw(&mut self, screen: &mut Screen) -> anyhow::Result<()> {
        let mut targets = Vec::new();
        screen.draw(|frame| {
            targets = view::draw(&self.state, self.theme, frame.area(), frame.buffer_mut());
        })?;
        update::update(&mut self.state, Message::Drawn(targets));
        self.changed = false;
        self.next_frame = Instant::now() + FRAME;
        Ok(())
    }

    fn take(&mut self, message: Message) {
        let was_leaving = self.state.leaving;
        for command in update::update(&mut self.state, message) {
            // Never waits: an engine that takes no commands must not freeze the screen that says
            // so.
            if self.commands.try_send(command).is_err() {
                update::update(&mut self.state, Message::Unheard);
            }
        }
        if was_leaving == Leaving::No {
            self.patience = Instant::now() + PATIENCE;
        }
        self.changed = true;
    }

    fn take_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        self.last_snapshot = Instant::now();
        self.take(Message::Snapshot(snapshot));
    }

    fn tick(&mut self) {
        let silence = self.last_snapshot.elapsed();
        if silence >= TICK {
            self.take(Message::Silence(silence));
        }
    }
}
