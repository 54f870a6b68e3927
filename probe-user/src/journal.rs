//! The journal of a game day, `probe.journal/1`: JSON Lines, written while it runs, that every
//! report can be made from again and the dashboard be played from.
//!
//! Here is what a line says, how lines are made and how they are read, also where the last one
//! is torn. Files are opened elsewhere. docs/reports.md tells the format.

pub mod change;
mod cut_off;
pub mod film;
pub mod line;
pub mod read;
pub mod write;

#[cfg(test)]
pub mod tests;

pub use film::Film;
pub use line::Begin;
pub use read::Journal;
pub use write::Writer;
