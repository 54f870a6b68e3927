//! Circuit breaker: after several failures in a row the dependency is left alone for a while, and
//! then one call may see whether it is back. This file is the state machine, with time as an
//! argument; `guard` is what calls go through.

mod guard;

use std::time::{Duration, Instant};

pub(crate) use self::guard::Guard;

/// When to open, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Failures in a row that open the circuit.
    pub(crate) failures_to_open: u32,
    /// How long it stays open.
    pub(crate) open_for: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            failures_to_open: 5,
            open_for: Duration::from_secs(1),
        }
    }
}

/// The state of the circuit, as it is called everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// One probe at a time, and so the flag.
    HalfOpen {
        probing: bool,
    },
}

/// Leave to make one call. Only calls that began in the present state may change it: answers to
/// older ones say nothing about how the dependency is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pass {
    generation: u64,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Success,
    Failure,
    /// Nobody waited for the end: that says nothing about the dependency.
    Withdrawn,
}

/// The state machine.
struct CircuitBreaker {
    settings: Settings,
    state: State,
    generation: u64,
}

impl CircuitBreaker {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::Closed { failures: 0 },
            generation: 0,
        }
    }

    /// Leave to make a call at `now`, unless the circuit is open.
    fn try_pass(&mut self, now: Instant) -> Option<Pass> {
        match self.state {
            State::Closed { .. } => {}
            State::Open { until } if now < until => return None,
            State::Open { .. } => self.change(State::HalfOpen { probing: true }),
            State::HalfOpen { probing: true } => return None,
            State::HalfOpen { probing: false } => self.state = State::HalfOpen { probing: true },
        }
        Some(Pass {
            generation: self.generation,
        })
    }

    /// Takes note of how a call ended.
    fn report(&mut self, pass: Pass, verdict: Verdict, now: Instant) {
        if pass.generation != self.generation {
            return;
        }
        let open = State::Open {
            until: now + self.settings.open_for,
        };
        match (self.state, verdict) {
            (State::Closed { .. }, Verdict::Success) => self.state = State::Closed { failures: 0 },
            (State::Closed { failures }, Verdict::Failure) => {
                let failures = failures + 1;
                self.state = State::Closed { failures };
                if failures >= self.settings.failures_to_open {
                    self.change(open);
                }
            }
            (State::HalfOpen { .. }, Verdict::Success) => {
                self.change(State::Closed { failures: 0 })
            }
            (State::HalfOpen { .. }, Verdict::Failure) => self.change(open),
            (State::HalfOpen { .. }, Verdict::Withdrawn) => {
                self.state = State::HalfOpen { probing: false };
            }
            (State::Closed { .. }, Verdict::Withdrawn) | (State::Open { .. }, _) => {}
        }
    }

    fn state_name(&self) -> &'static str {
        match self.state {
            State::Closed { .. } => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half_open",
        }
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

#[cfg(test)]
mod tests;
