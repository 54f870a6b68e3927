//! Which resilience patterns fired, and with what parameters: told from calls and the fault ledger
//! alone, whatever the protocol and whatever library made them. Fed once with each call; keeps a
//! bounded record; never reads a clock. docs/patterns.md tells how each detector reasons.

pub mod attempt;
mod backoff;
mod bulkhead;
mod cascade;
mod circuit_breaker;
pub mod declared;
mod fallback;
pub mod finding;
mod lanes;
pub mod ledger;
mod link;
mod load_shedding;
mod reading;
pub mod recording;
mod retry;
mod spread;
mod tape;
mod timeout;
mod watch;

#[cfg(test)]
mod tests;

pub use attempt::{Attempt, Gauge, Inbound, Outcome, Phase};
pub use cascade::Change;
pub use finding::{Findings, Verdict};
pub use ledger::{FaultKind, Ledger, Window};
pub use watch::{Patterns, Settings};
