//! The resilience patterns by name, and which of them the shop has.

use clap::ValueEnum;
use serde::Serialize;

/// One resilience pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pattern {
    /// Waits 250 ms for a dependency's answer
    Timeout,
    /// Tries a failed call up to twice more
    Retry,
    /// Leaves a dependency alone for 1 s after 5 failures in a row
    CircuitBreaker,
    /// Has at most 10 calls under way to a dependency
    Bulkhead,
    /// Answers without a dependency that fails
    Fallback,
    /// Turns customers away while 64 are being served
    LoadShedding,
}

impl Pattern {
    /// The pattern's name on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// Which patterns the shop has.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Patterns {
    /// See [`Pattern::Timeout`].
    pub(crate) timeout: bool,
    /// See [`Pattern::Retry`].
    pub(crate) retry: bool,
    /// See [`Pattern::CircuitBreaker`].
    pub(crate) circuit_breaker: bool,
    /// See [`Pattern::Bulkhead`].
    pub(crate) bulkhead: bool,
    /// See [`Pattern::Fallback`].
    pub(crate) fallback: bool,
    /// See [`Pattern::LoadShedding`].
    pub(crate) load_shedding: bool,
}

impl Patterns {
    /// Every pattern except these.
    pub(crate) fn all_but(without: &[Pattern]) -> Self {
        let has = |pattern| !without.contains(&pattern);
        Self {
            timeout: has(Pattern::Timeout),
            retry: has(Pattern::Retry),
            circuit_breaker: has(Pattern::CircuitBreaker),
            bulkhead: has(Pattern::Bulkhead),
            fallback: has(Pattern::Fallback),
            load_shedding: has(Pattern::LoadShedding),
        }
    }
}
