//! What happened in a span of time, to one dependency or one service.

use serde::{Deserialize, Serialize};

use super::Histogram;

mod written;

/// Counts and latencies of a span.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "written::Written", into = "written::Written")]
pub struct WindowStats {
    /// Length of the span.
    pub span_ms: u64,
    /// Calls that ended in the span, whatever their outcome.
    pub calls: u64,
    /// Answered, and not with an error.
    pub ok: u64,
    /// Answered with an error, reset, refused, or cut off.
    pub errors: u64,
    /// Given up by the caller while an answer was due.
    pub abandoned: u64,
    /// Attempts to connect that failed; each also counts as a call and an error.
    pub connect_failures: u64,
    /// Latencies of the calls that were answered.
    pub latency: Histogram,
    /// The same, and how long abandoned calls had waited: what callers lived through. A
    /// promise about a service is held against this, so that a call nobody waited out doesn't
    /// make it look fast.
    pub waited: Histogram,
}

impl WindowStats {
    /// Share of calls that were answered well, 0 to 1; `None` where there was no call.
    pub fn success_rate(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.ok as f64 / self.calls as f64)
    }

    /// Calls that failed, in any way.
    pub fn failed(&self) -> u64 {
        self.calls.saturating_sub(self.ok)
    }

    /// Calls that ended, a second.
    pub fn rate(&self) -> f64 {
        if self.span_ms == 0 {
            0.0
        } else {
            self.calls as f64 * 1_000.0 / self.span_ms as f64
        }
    }

    /// Adds what happened in another, adjoining span.
    pub fn merge(&mut self, other: &Self) {
        self.span_ms += other.span_ms;
        self.calls += other.calls;
        self.ok += other.ok;
        self.errors += other.errors;
        self.abandoned += other.abandoned;
        self.connect_failures += other.connect_failures;
        self.latency.merge(&other.latency);
        self.waited.merge(&other.waited);
    }
}
