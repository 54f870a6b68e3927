//! The breaker that calls share, and the log of what it did, for comparing with what others saw.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use super::{CircuitBreaker, Pass, Settings, Verdict};
use crate::clock;
use crate::topology::Role;

/// The log ends after this many changes; the count goes on.
const LOG_MAX: usize = 10_000;

/// A circuit breaker in front of one dependency.
pub(crate) struct Guard {
    dependency: Role,
    verbose: bool,
    shared: Mutex<Shared>,
}

struct Shared {
    breaker: CircuitBreaker,
    transitions: Vec<(u64, &'static str)>,
    opened: u64,
}

impl Guard {
    /// A closed circuit; with `verbose` it says on standard error when it changes.
    pub(crate) fn new(dependency: Role, settings: Settings, verbose: bool) -> Self {
        let breaker = CircuitBreaker::new(settings);
        let shared = Mutex::new(Shared {
            breaker,
            transitions: Vec::new(),
            opened: 0,
        });
        Self {
            dependency,
            verbose,
            shared,
        }
    }

    /// Leave to make a call now, unless the circuit is open.
    pub(crate) fn try_pass(&self) -> Option<UnderWay<'_>> {
        let pass = self.step(|breaker| breaker.try_pass(Instant::now()))?;
        Some(UnderWay {
            guard: self,
            pass,
            verdict: Verdict::Withdrawn,
        })
    }

    /// How often it opened, and each change with the CLOCK_MONOTONIC of it.
    pub(crate) fn summary(&self) -> Value {
        let shared = self.lock();
        let transitions: Vec<_> = shared
            .transitions
            .iter()
            .map(|(at_ns, state)| json!({"at_ns": at_ns, "state": state}))
            .collect();
        json!({"opened": shared.opened, "transitions": transitions})
    }

    fn step<T>(&self, act: impl FnOnce(&mut CircuitBreaker) -> T) -> T {
        let mut shared = self.lock();
        let before = shared.breaker.generation;
        let result = act(&mut shared.breaker);
        if shared.breaker.generation != before {
            let state = shared.breaker.state_name();
            shared.opened += u64::from(state == "open");
            if shared.transitions.len() < LOG_MAX {
                shared.transitions.push((clock::now_ns(), state));
            }
            if self.verbose {
                eprintln!("shop: the circuit to {} is {state}", self.dependency.name());
            }
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that was let through. Dropped without [`UnderWay::report`], it counts as withdrawn.
pub(crate) struct UnderWay<'a> {
    guard: &'a Guard,
    pass: Pass,
    verdict: Verdict,
}

impl UnderWay<'_> {
    /// Says how the call ended.
    pub(crate) fn report(mut self, success: bool) {
        self.verdict = if success {
            Verdict::Success
        } else {
            Verdict::Failure
        };
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.guard
            .step(|breaker| breaker.report(self.pass, self.verdict, Instant::now()));
    }
}
