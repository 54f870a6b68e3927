//! What the dashboard is told: by the engine, by the person, by the terminal, by time.

use std::sync::Arc;
use std::time::Duration;

use crate::snapshot::Snapshot;

/// One thing the dashboard is told.
#[derive(Clone, Debug)]
pub enum Message {
    /// The engine made a new picture.
    Snapshot(Arc<Snapshot>),
    /// The person wants something.
    Action(Action),
    /// The terminal has another size now.
    Resized,
    /// No picture has come for this long.
    Silence(Duration),
    /// The engine took no command: an emergency stop went unheard.
    Unheard,
}

/// What a person can want; `keys` says by which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// End every fault now.
    StopFaults,
    /// Leave; active faults end first.
    Quit,
    /// The line above, or the timeline's older entries.
    Up,
    /// The line below, or the timeline's newer entries.
    Down,
    /// As `Up`, a page.
    PageUp,
    /// As `Down`, a page.
    PageDown,
    /// The first line, or the oldest entry.
    First,
    /// The last line, or the newest entry.
    Last,
    /// Let the arrows move in the other region.
    SwitchFocus,
    /// Order the dependencies by the next figure.
    NextSort,
    /// Hold the picture still, or let it run again.
    Pause,
    /// Show the keys, or hide them.
    Help,
    /// Close what lies over the picture.
    Dismiss,
    /// Have a replay go twice as fast.
    Faster,
    /// Have it go half as fast.
    Slower,
    /// Have it stand still at the next picture.
    Step,
}
