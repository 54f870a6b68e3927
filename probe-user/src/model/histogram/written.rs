//! A histogram as it is written down: what was counted of each bucket, by the bucket's number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use probe_common::histogram::BUCKETS;

use super::Histogram;

/// See the file's head. What follows from it isn't written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    max_us: u64,
    /// Keys are text: numbers as keys don't survive being read as a part of something tagged.
    counts: BTreeMap<String, u64>,
}

impl From<Histogram> for Written {
    fn from(histogram: Histogram) -> Self {
        Self {
            max_us: histogram.max_us,
            counts: histogram
                .counted()
                .map(|(bucket, count)| (bucket.to_string(), count))
                .collect(),
        }
    }
}

impl From<Written> for Histogram {
    /// Buckets that there are none of are left out: whoever wrote them wasn't probe.
    fn from(written: Written) -> Self {
        let mut histogram = Self::default();
        for (bucket, count) in &written.counts {
            if let Some(bucket) = bucket.parse().ok().filter(|it| *it < BUCKETS)
                && *count > 0
            {
                histogram.add_bucket(bucket, *count);
            }
        }
        histogram.max_us = written.max_us;
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut histogram = Histogram::default();
        (0..5_000u64).for_each(|n| histogram.record(n * n));
        let text = serde_json::to_string(&histogram).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram);
        let nothing: Histogram = serde_json::from_str("{}").unwrap();
        assert_eq!(nothing, Histogram::default());
    }

    #[test]
    fn buckets_that_there_are_none_of_break_nothing() {
        let text = r#"{"max_us":9,"counts":{"65535":7,"3":18446744073709551615,"4":1,"5":0}}"#;
        let read: Histogram = serde_json::from_str(text).unwrap();
        assert_eq!(read.count(), u64::MAX);
        assert_eq!(read.buckets().count(), 2);
        assert!(read.quantile_us(0.99).is_some());
    }
}
