//! A latency histogram with the kernel's buckets, of which only those octaves are kept that counted
//! anything: most parties' latencies lie within a few.

use serde::{Deserialize, Serialize};

use probe_common::histogram::{STEPS, bounds_of, bucket_of, value_of};

mod written;

/// The buckets of an octave.
type Octave = Box<[u64; STEPS as usize]>;

/// Counts of latencies by bucket; microseconds throughout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "written::Written", into = "written::Written")]
pub struct Histogram {
    /// Up to the highest that counted anything. Finding a bucket is on the way of every call.
    octaves: Vec<Option<Octave>>,
    total: u64,
    max_us: u64,
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, us: u64) {
        self.add_bucket(bucket_of(us), 1);
        self.max_us = self.max_us.max(us);
    }

    /// Adds `count` latencies of one bucket, as read from a kernel map.
    ///
    /// The maximum is then known as well as the bucket tells it: its upper edge.
    pub fn record_bucket(&mut self, bucket: usize, count: u64) {
        if count > 0 {
            self.add_bucket(bucket, count);
            let (low, width) = bounds_of(bucket);
            self.max_us = self.max_us.max(low + width - 1);
        }
    }

    /// Adds all that another histogram counted.
    pub fn merge(&mut self, other: &Self) {
        other
            .counted()
            .for_each(|(bucket, count)| self.add_bucket(bucket, count));
        self.max_us = self.max_us.max(other.max_us);
    }

    /// How many latencies were counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The largest one, in microseconds; 0 where none was counted.
    pub fn max_us(&self) -> u64 {
        self.max_us
    }

    /// The smallest latency that at least the share `q` (0 to 1) of all are no longer than, in
    /// microseconds; `None` where none was counted. Off by at most 1.6 %.
    pub fn quantile_us(&self, q: f64) -> Option<u64> {
        if self.total == 0 {
            return None;
        }
        let rank = ((q.clamp(0.0, 1.0) * self.total as f64).ceil() as u64).max(1);
        let mut below = 0;
        for (bucket, count) in self.counted() {
            below = count.saturating_add(below);
            if below >= rank {
                return Some(value_of(bucket).min(self.max_us));
            }
        }
        Some(self.max_us)
    }

    /// Buckets in use: lowest value, width and count of each, ascending; microseconds.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.counted().map(|(bucket, count)| {
            let (low, width) = bounds_of(bucket);
            (low, width, count)
        })
    }

    /// Buckets in use by their number, ascending, and how many each counted.
    fn counted(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let octaves = self.octaves.iter().enumerate();
        let all = octaves.flat_map(|(octave, counts)| {
            let first = octave * STEPS as usize;
            (first..).zip(counts.iter().flat_map(|it| it.iter().copied()))
        });
        all.filter(|(_, count)| *count > 0)
    }

    fn add_bucket(&mut self, bucket: usize, count: u64) {
        let (octave, step) = (bucket / STEPS as usize, bucket % STEPS as usize);
        let counts = match self.octaves.get_mut(octave) {
            Some(Some(counts)) => counts,
            _ => self.make_room(octave),
        };
        // A journal may say anything.
        counts[step] = counts[step].saturating_add(count);
        self.total = self.total.saturating_add(count);
    }

    #[cold]
    fn make_room(&mut self, octave: usize) -> &mut Octave {
        if self.octaves.len() <= octave {
            self.octaves.resize(octave + 1, None);
        }
        self.octaves[octave].get_or_insert_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_1_6_percent_of_exact_ones() {
        let mut histogram = Histogram::default();
        let values: Vec<u64> = (1..=10_000u64).map(|n| n * n / 50 + 10).collect();
        values.iter().for_each(|&v| histogram.record(v));
        for q in [0.01, 0.5, 0.9, 0.99, 1.0] {
            let exact = values[(q * 10_000.0_f64).ceil() as usize - 1];
            let told = histogram.quantile_us(q).unwrap();
            let error = told.abs_diff(exact) as f64 / exact as f64;
            assert!(error <= 0.016, "q{q}: {told} for {exact}");
        }
    }

    #[test]
    fn in_whichever_order_they_come() {
        let (mut up, mut down) = (Histogram::default(), Histogram::default());
        (0..1_000u64).for_each(|n| up.record(n * n));
        (0..1_000u64).rev().for_each(|n| down.record(n * n));
        assert_eq!(up, down);
        assert_eq!(up.buckets().map(|it| it.2).sum::<u64>(), 1_000);
        assert!(up.buckets().map(|it| it.0).is_sorted());
    }

    #[test]
    fn none_counted_none_told() {
        assert_eq!(Histogram::default().quantile_us(0.5), None);
        assert_eq!(Histogram::default().max_us(), 0);
    }

    #[test]
    fn merging_is_counting_both() {
        let (mut a, mut b, mut both) = Default::default();
        for n in 0..1_000u64 {
            Histogram::record(if n % 3 == 0 { &mut a } else { &mut b }, n * 7);
            Histogram::record(&mut both, n * 7);
        }
        a.merge(&b);
        assert_eq!(a, both);
    }
}
