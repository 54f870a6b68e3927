//! What the shop counts of its calls to one dependency, for the summary at the end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};

use super::call_error::CallError;
use crate::latency::Latencies;

/// Counters of calls to one dependency.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    counts: Counts,
    in_flight: u64,
    latencies: Latencies,
}

/// What is counted. Each attempt is a call; what a pattern kept from being made is none.
#[derive(Clone, Default, Serialize)]
struct Counts {
    calls: u64,
    ok: u64,
    errors: u64,
    timeouts: u64,
    abandoned: u64,
    short_circuited: u64,
    rejected_by_bulkhead: u64,
    retries: u64,
    in_flight_max: u64,
}

impl Tally {
    /// Counts a call that is about to be made, for the first time or again.
    pub(crate) fn begin(&self, is_retry: bool) -> UnderWay<'_> {
        let mut inner = self.lock();
        inner.counts.calls += 1;
        inner.counts.retries += u64::from(is_retry);
        inner.in_flight += 1;
        inner.counts.in_flight_max = inner.counts.in_flight_max.max(inner.in_flight);
        UnderWay {
            tally: self,
            outcome: None,
        }
    }

    /// Counts a call that was not made.
    pub(crate) fn kept_back(&self, reason: CallError) {
        let mut inner = self.lock();
        match reason {
            CallError::BulkheadFull => inner.counts.rejected_by_bulkhead += 1,
            _ => inner.counts.short_circuited += 1,
        }
    }

    /// The figures so far.
    pub(crate) fn summary(&self) -> Value {
        let inner = self.lock();
        let mut summary = json!(inner.counts);
        summary["latency_us"] = json!(inner.latencies.summary());
        summary
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. Dropped without an outcome, it counts as abandoned.
pub(crate) struct UnderWay<'a> {
    tally: &'a Tally,
    outcome: Option<Result<(), CallError>>,
}

impl UnderWay<'_> {
    /// Counts the latency of an answer, whatever it says.
    pub(crate) fn answered(&self, latency_ns: u64) {
        self.tally.lock().latencies.add_ns(latency_ns);
    }

    /// Says how the call ended.
    pub(crate) fn finish(mut self, outcome: Result<(), CallError>) {
        self.outcome = Some(outcome);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut inner = self.tally.lock();
        inner.in_flight -= 1;
        let counts = &mut inner.counts;
        match self.outcome {
            Some(Ok(())) => counts.ok += 1,
            Some(Err(CallError::Failed(failure))) if failure.is_timeout() => counts.timeouts += 1,
            Some(Err(_)) => counts.errors += 1,
            None => counts.abandoned += 1,
        }
    }
}
