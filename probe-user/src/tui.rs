//! The live dashboard: draws the engine's pictures, hands it the person's commands.
//!
//! Knows `Snapshot` and nothing else of the rest. State, update and view are apart: `update` is
//! the only place where state changes, `view` the only one where it is drawn.

mod figures;
mod keys;
mod message;
mod state;
#[cfg(test)]
mod tests;
mod theme;
mod update;
mod view;

/// What a person at the dashboard tells the engine to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// End every fault now.
    Panic,
    /// Wind up: the person is leaving.
    Quit,
}
