//! Latencies in a histogram, and the few figures that a summary shows of it.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Latencies of one kind of call, to three digits.
pub(crate) struct Latencies(Histogram<u64>);

/// Count and quantiles, in microseconds.
#[derive(Serialize)]
pub(crate) struct LatencySummary {
    count: u64,
    p50: u64,
    p90: u64,
    p99: u64,
    max: u64,
}

impl Latencies {
    /// Adds one latency.
    pub(crate) fn add_ns(&mut self, latency_ns: u64) {
        self.0.saturating_record(latency_ns / 1000);
    }

    /// The figures so far.
    pub(crate) fn summary(&self) -> LatencySummary {
        LatencySummary {
            count: self.0.len(),
            p50: self.0.value_at_quantile(0.5),
            p90: self.0.value_at_quantile(0.9),
            p99: self.0.value_at_quantile(0.99),
            max: self.0.max(),
        }
    }
}

impl Default for Latencies {
    fn default() -> Self {
        const DAY_US: u64 = 86_400_000_000;
        // Cannot fail: three digits, and a maximum above two.
        Self(Histogram::new_with_max(DAY_US, 3).expect("valid bounds"))
    }
}
