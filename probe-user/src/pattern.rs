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
pub mod feed;
pub mod finding;
mod lanes;
pub mod ledger;
mod link;
mod load_shedding;
pub mod news;
mod reading;
pub mod recording;
mod retry;
mod sheet;
mod spread;
mod tape;
mod timeout;
mod watch;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub use cascade::Change;
pub use feed::Feed;
pub use finding::Verdict;
pub use news::News;
pub use sheet::{Cascade, Sheet, Showing, find, sheets};
pub use watch::Settings;
