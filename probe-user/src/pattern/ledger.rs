//! Which faults were on, on which dependency, and when.

use serde::{Deserialize, Serialize};

/// Windows remembered; the oldest goes first.
const MOST: usize = 256;

/// What a fault does, as far as it matters to who meets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Answers come late.
    Delay,
    /// Some packets vanish.
    Loss,
    /// All packets vanish.
    Blackhole,
    /// Connections are reset.
    Reset,
    /// Connections are refused.
    Refuse,
    /// Answers say that it failed.
    Errors,
    /// Processes are stopped or ended.
    Process,
    /// Anything else.
    #[default]
    Other,
}

impl FaultKind {
    /// Whether callers are kept waiting under it.
    pub fn keeps_waiting(self) -> bool {
        matches!(self, Self::Delay | Self::Blackhole | Self::Process)
    }
}

impl FaultKind {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Loss => "loss",
            Self::Blackhole => "blackhole",
            Self::Reset => "reset",
            Self::Refuse => "refuse",
            Self::Errors => "errors",
            Self::Process => "process",
            Self::Other => "other",
        }
    }
}

/// A fault on a dependency, from when until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The dependency, in the feeder's numbers.
    pub dependency: u32,
    /// What it does.
    pub kind: FaultKind,
    /// Since when.
    pub from_ns: u64,
    /// Until when; `u64::MAX` while it is on.
    pub to_ns: u64,
}

/// The faults of a run.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    windows: Vec<Window>,
}

impl Ledger {
    /// Notes a fault, or when one that is noted ends: same dependency, kind and beginning. Tells
    /// whether that is news.
    pub fn note(&mut self, window: Window) -> bool {
        let known = self.windows.iter_mut().find(|it| {
            (it.dependency, it.kind, it.from_ns) == (window.dependency, window.kind, window.from_ns)
        });
        if let Some(known) = known {
            let is_news = known.to_ns != window.to_ns;
            known.to_ns = window.to_ns;
            return is_news;
        }
        if self.windows.len() == MOST {
            self.windows.remove(0);
        }
        self.windows.push(window);
        true
    }

    /// Takes in when faults of a kind and a beginning end; gives those that do at another time than
    /// was known.
    pub fn ends(&mut self, kind: FaultKind, from_ns: u64, to_ns: u64) -> Vec<Window> {
        let same = |it: &&mut Window| (it.kind, it.from_ns) == (kind, from_ns) && it.to_ns != to_ns;
        let changed = self.windows.iter_mut().filter(same);
        changed
            .map(|window| {
                window.to_ns = to_ns;
                *window
            })
            .collect()
    }

    /// Every fault noted, oldest first.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// Faults on a dependency.
    pub fn on(&self, dependency: u32) -> impl Iterator<Item = &Window> {
        self.windows
            .iter()
            .filter(move |it| it.dependency == dependency)
    }

    /// Whether a fault was on a dependency at a moment.
    pub fn is_on(&self, dependency: u32, at_ns: u64) -> bool {
        self.on(dependency)
            .any(|it| (it.from_ns..it.to_ns).contains(&at_ns))
    }
}
