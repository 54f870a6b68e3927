//! What the dashboard is told: by the engine, by the person, by the terminal, by time.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;

use super::state::DependencyKey;
use crate::snapshot::Snapshot;

/// One thing the dashboard is told.
#[derive(Clone, Debug)]
pub enum Message {
    /// The engine made a new picture.
    Snapshot(Arc<Snapshot>),
    /// The person pressed a key.
    Key(Key),
    /// A frame was drawn: where there is something to click on.
    Drawn(Vec<(Rect, Target)>),
    /// The person clicked, at a column and row.
    Clicked(u16, u16),
    /// The person turned the wheel at a column and row: how many lines down.
    Scrolled(u16, u16, isize),
    /// The terminal has another size now.
    Resized,
    /// No picture has come for this long.
    Silence(Duration),
    /// The engine took no command: what was asked for won't happen.
    Unheard,
}

/// A key: what it is for where nothing is being written, and what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it is for; `None` where it is for nothing.
    pub action: Option<Action>,
    /// What it does to a text; `None` where it does nothing to one.
    pub edit: Option<Edit>,
}

/// What a key does to a text, and to a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Adds a character at the end.
    Type(char),
    /// Takes the last character away.
    Erase,
    /// Takes the whole text away.
    Clear,
    /// The field above.
    Previous,
    /// The field below.
    Next,
    /// The choice before.
    Left,
    /// The choice after.
    Right,
    /// It is done.
    Done,
    /// It isn't wanted after all.
    Cancel,
}

/// Something on the screen that can be clicked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A dependency's row.
    Dependency(DependencyKey),
    /// A fault's row, counted from the first.
    Fault(usize),
    /// The timeline.
    Timeline,
    /// A key in the footer.
    Action(Action),
    /// The whole answer to what a fault would touch, by its question: nothing happens by a click.
    Answer(u32),
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
    /// Show all there is of the selected dependency.
    Details,
    /// As `Up` in the dependencies, whatever the arrows move.
    Previous,
    /// As `Down` in the dependencies, whatever the arrows move.
    Next,
    /// Write what dependencies are to be called that are shown.
    Filter,
    /// Think of a fault on the selected dependency.
    Inject,
    /// End the selected fault alone.
    EndFault,
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
