//! What the dashboard remembers between two frames, beside the picture itself.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::{Position, Rect};

use super::form::Form;
use super::message::Target;
use crate::snapshot::{DependencyView, ExpectationView, FaultView, Snapshot};

/// Everything a frame is drawn from. Changed by `update` alone.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The picture on the screen.
    pub shown: Arc<Snapshot>,
    /// The newest picture; another than `shown` only while paused.
    pub latest: Arc<Snapshot>,
    /// Whether a picture has come at all.
    pub begun: bool,
    /// Whether the picture is held still.
    pub paused: bool,
    /// Where the arrows move.
    pub focus: Focus,
    /// What orders the dependencies.
    pub sort: Sort,
    /// The selected dependency; kept by name, so that it stays selected wherever it moves.
    pub selected: Option<DependencyKey>,
    /// How many entries the timeline is scrolled back; 0 follows the newest.
    pub scrolled_back: usize,
    /// What dependencies are to have in their names that are shown.
    pub filter: Option<String>,
    /// Whether the filter is being written.
    pub typing: bool,
    /// Whether the selected dependency is shown with all there is of it.
    pub details: bool,
    /// How many of its last calls are scrolled past.
    pub scrolled_calls: usize,
    /// The selected fault, counted from the first that is shown.
    pub fault: usize,
    /// The fault that is being thought of.
    pub form: Option<Form>,
    /// How many questions were asked of the engine.
    pub asked: u32,
    /// When expectations last turned.
    pub turned: Vec<Turned>,
    /// Why something isn't done that was wanted, until the next key.
    pub said: Option<String>,
    /// Where there is something to click on; what lies on top comes last.
    pub targets: Vec<(Rect, Target)>,
    /// What lies over the picture.
    pub overlay: Option<Overlay>,
    /// The emergency stop, once it was asked for and until it is dismissed.
    pub stop: Option<Stop>,
    /// Whether the person is leaving.
    pub leaving: Leaving,
    /// How long no picture has come.
    pub silence: Duration,
}

/// Where the arrows move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// In the dependencies.
    #[default]
    Dependencies,
    /// In the faults.
    Faults,
    /// In the timeline.
    Timeline,
}

/// An expectation that turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Its name and bound.
    pub expectation: (String, String),
    /// When, in the session's time.
    pub at_ms: u64,
}

/// What orders the dependencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Service, then name: nothing ever moves.
    #[default]
    Name,
    /// Calls a second, most first.
    Rate,
    /// 99th percentile of the latency, slowest first.
    P99,
    /// Share of calls that failed, most first.
    Failures,
}

/// What lies over the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// The keys.
    Help,
}

/// An emergency stop that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// When, in the session's time.
    pub at_ms: u64,
    /// How many faults were active then.
    pub faults: usize,
    /// How long no picture had come then.
    pub silence: Duration,
    /// Whether the engine could not be told.
    pub unheard: bool,
}

/// How far a person's leaving has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leaving {
    /// Not at all.
    #[default]
    No,
    /// As soon as no fault is active any more.
    OnceFaultsEnd,
    /// Now.
    Now,
}

/// Which dependency: of which caller, by what name, where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyKey {
    service: String,
    pid: u32,
    name: String,
    remote: String,
}

impl DependencyKey {
    /// The key of a row.
    pub fn of(dependency: &DependencyView) -> Self {
        Self {
            service: dependency.service.clone(),
            pid: dependency.pid,
            name: dependency.name.clone(),
            remote: dependency.remote.clone(),
        }
    }

    /// Whether it is this row's.
    pub fn is(&self, dependency: &DependencyView) -> bool {
        self.name == dependency.name
            && self.remote == dependency.remote
            && self.service == dependency.service
            && self.pid == dependency.pid
    }
}

impl Sort {
    /// The one after it, round and round.
    pub fn next(self) -> Self {
        match self {
            Self::Name => Self::Rate,
            Self::Rate => Self::P99,
            Self::P99 => Self::Failures,
            Self::Failures => Self::Name,
        }
    }

    /// Its name on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Rate => "rate",
            Self::P99 => "p99",
            Self::Failures => "failures",
        }
    }

    /// A picture's dependencies in this order.
    pub fn order(self, snapshot: &Snapshot) -> Vec<&DependencyView> {
        let mut rows: Vec<_> = snapshot.dependencies.iter().collect();
        // Stable sorts by a key computed once a row: equal figures keep the order by name.
        match self {
            Self::Name => {}
            Self::Rate => rows.sort_by_cached_key(|row| std::cmp::Reverse(row.recent.calls)),
            Self::P99 => {
                rows.sort_by_cached_key(|row| {
                    std::cmp::Reverse(row.recent.latency.quantile_us(0.99))
                });
            }
            Self::Failures => rows.sort_by_cached_key(|row| {
                let failures = 1.0 - row.recent.success_rate().unwrap_or(1.0);
                std::cmp::Reverse((failures * 1e6) as u64)
            }),
        }
        rows
    }
}

impl State {
    /// How long ago a stop was asked for, whether pictures come or not.
    pub fn since(&self, stop: Stop) -> Duration {
        match self.latest.elapsed_ms.saturating_sub(stop.at_ms) {
            0 => self.silence.saturating_sub(stop.silence),
            ms => Duration::from_millis(ms) + self.silence,
        }
    }

    /// What is at a column and row.
    pub fn target_at(&self, x: u16, y: u16) -> Option<&Target> {
        let at = |it: &&(Rect, Target)| it.0.contains(Position { x, y });
        self.targets.iter().rev().find(at).map(|it| &it.1)
    }

    /// The dependencies that are shown, in their order.
    pub fn rows(&self) -> Vec<&DependencyView> {
        let mut rows = self.sort.order(&self.shown);
        if let Some(filter) = &self.filter {
            let wanted = filter.to_lowercase();
            let has = |text: &str| text.to_lowercase().contains(&wanted);
            rows.retain(|it| has(&it.service) || has(&it.name) || has(&it.remote));
        }
        rows
    }

    /// The faults in the order in which they are shown: active ones first, and of those the ones
    /// that can be ended from here.
    pub fn faults(&self) -> Vec<&FaultView> {
        let mut faults: Vec<_> = self.shown.faults.iter().collect();
        faults.sort_by_key(|fault| (fault.left_ms.is_none(), fault.handle.is_none()));
        faults
    }

    /// The dependency that is selected, where it is still there.
    pub fn selected_dependency(&self) -> Option<&DependencyView> {
        let key = self.selected.as_ref()?;
        self.shown.dependencies.iter().find(|row| key.is(row))
    }

    /// When an expectation last turned, in the session's time.
    pub fn turned_at(&self, expectation: &ExpectationView) -> Option<u64> {
        let is = |it: &&Turned| {
            it.expectation.0 == expectation.name && it.expectation.1 == expectation.expected
        };
        self.turned.iter().find(is).map(|it| it.at_ms)
    }

    /// Where the selected dependency stands among rows in order.
    pub fn selected_row(&self, rows: &[&DependencyView]) -> Option<usize> {
        let key = self.selected.as_ref()?;
        rows.iter().position(|row| key.is(row))
    }
}

/// How many faults of a picture are active.
pub fn active_faults(snapshot: &Snapshot) -> usize {
    snapshot
        .faults
        .iter()
        .filter(|fault| fault.left_ms.is_some())
        .count()
}

/// How many of them end with the dashboard: a game day's, and those that were started from it.
pub fn own_faults(snapshot: &Snapshot) -> usize {
    let is_own = |it: &&FaultView| it.handle.is_some() || snapshot.game_day.is_some();
    let active = snapshot.faults.iter().filter(|it| it.left_ms.is_some());
    active.filter(is_own).count()
}
