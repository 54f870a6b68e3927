//! Calls by the time of their end, in slices of a tenth of a second, so that statistics over any
//! span can be asked for later.

use std::collections::BTreeMap;

use probe_common::histogram::bucket_of;

use super::{Call, Counted, Histogram, Outcome, WindowStats};

/// Length of a slice: spans are told to this.
pub const SLICE_NS: u64 = 100_000_000;

/// Calls that ended in one slice.
#[derive(Clone, Debug, Default)]
struct Slice {
    ok: u32,
    errors: u32,
    abandoned: u32,
    connect_failures: u32,
    /// Buckets of the latencies of answered calls in rising order, each with how often: a few, or
    /// under heavy load some two hundred.
    answered: Vec<(u16, u32)>,
    /// The same of how long abandoned calls had waited.
    given_up: Vec<(u16, u32)>,
}

impl Slice {
    fn merge(&mut self, other: &Self) {
        self.ok += other.ok;
        self.errors += other.errors;
        self.abandoned += other.abandoned;
        self.connect_failures += other.connect_failures;
        for &(bucket, count) in &other.answered {
            add(&mut self.answered, bucket, count);
        }
        for &(bucket, count) in &other.given_up {
            add(&mut self.given_up, bucket, count);
        }
    }
}

/// The calls of one party.
#[derive(Clone, Debug, Default)]
pub struct History {
    slices: BTreeMap<u64, Slice>,
    total: WindowStats,
}

impl Slice {
    fn calls(&self) -> u64 {
        u64::from(self.ok) + u64::from(self.errors) + u64::from(self.abandoned)
    }
}

impl History {
    /// Takes in a call that ended.
    pub fn record(&mut self, call: &Call) {
        let slice = self.slices.entry(call.ended_ns / SLICE_NS).or_default();
        let us = call.waited_ns / 1_000;
        let total = &mut self.total;
        total.calls += 1;
        match call.outcome {
            Outcome::Ok => {
                slice.ok += 1;
                total.ok += 1;
            }
            Outcome::Abandoned => {
                slice.abandoned += 1;
                total.abandoned += 1;
            }
            Outcome::Refused | Outcome::ConnectTimeout => {
                slice.errors += 1;
                slice.connect_failures += 1;
                total.errors += 1;
                total.connect_failures += 1;
            }
            Outcome::Error | Outcome::Reset | Outcome::Closed => {
                slice.errors += 1;
                total.errors += 1;
            }
        }
        if call.outcome.is_answered() {
            add(&mut slice.answered, bucket_of(us) as u16, 1);
            total.latency.record(us);
            total.waited.record(us);
        } else if call.outcome == Outcome::Abandoned {
            add(&mut slice.given_up, bucket_of(us) as u16, 1);
            total.waited.record(us);
        }
    }

    /// What ended in `[from_ns, to_ns)`, each end rounded down to a slice.
    pub fn window(&self, from_ns: u64, to_ns: u64) -> WindowStats {
        let mut window = WindowStats {
            span_ms: to_ns.saturating_sub(from_ns) / 1_000_000,
            ..WindowStats::default()
        };
        let (from, to) = (from_ns / SLICE_NS, to_ns / SLICE_NS);
        if from >= to {
            return window;
        }
        for slice in self.slices.range(from..to).map(|(_, slice)| slice) {
            window.ok += u64::from(slice.ok);
            window.errors += u64::from(slice.errors);
            window.abandoned += u64::from(slice.abandoned);
            window.connect_failures += u64::from(slice.connect_failures);
            read(&slice.answered, &mut window.latency);
            read(&slice.answered, &mut window.waited);
            read(&slice.given_up, &mut window.waited);
        }
        window.calls = window.ok + window.errors + window.abandoned;
        window
    }

    /// Takes the totals from what the kernel programs counted, which is complete also where
    /// events were lost. How answers were meant can't be counted there: what events told of that
    /// stays, and the rest is neither ok nor an error.
    /// `agreed` of the turns that were told were no calls.
    pub fn replace_total(&mut self, counted: &Counted, agreed: u64) {
        let total = &mut self.total;
        let it = &counted.counters;
        total.calls = counted.calls().saturating_sub(agreed);
        total.abandoned = it.abandoned;
        total.connect_failures = it.connect_failures;
        total.latency.clone_from(&counted.latency);
    }

    /// Adds the calls of another.
    pub fn merge(&mut self, other: Self) {
        for (at, slice) in other.slices {
            self.slices.entry(at).or_default().merge(&slice);
        }
        self.total.merge(&other.total);
    }

    /// Slices that are remembered.
    pub fn slices(&self) -> usize {
        self.slices.len()
    }

    /// Everything since the beginning; its span is zero.
    pub fn total(&self) -> &WindowStats {
        &self.total
    }

    /// Forgets slices that ended before a time, the total stays; gives how many calls were in
    /// them.
    pub fn forget_before(&mut self, ns: u64) -> u64 {
        let first_kept = ns / SLICE_NS;
        let is_old = |(first, _): (&u64, _)| *first < first_kept;
        if !self.slices.first_key_value().is_some_and(is_old) {
            return 0;
        }
        let kept = self.slices.split_off(&first_kept);
        let forgotten = std::mem::replace(&mut self.slices, kept);
        forgotten.values().map(Slice::calls).sum()
    }
}

fn add(buckets: &mut Vec<(u16, u32)>, bucket: u16, times: u32) {
    match buckets.binary_search_by_key(&bucket, |&(known, _)| known) {
        Ok(at) => buckets[at].1 += times,
        Err(at) => buckets.insert(at, (bucket, times)),
    }
}

fn read(buckets: &[(u16, u32)], histogram: &mut Histogram) {
    for &(bucket, count) in buckets {
        histogram.record_bucket(usize::from(bucket), u64::from(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(ended_ms: u64, waited_us: u64, outcome: Outcome) -> Call {
        Call {
            ended_ns: ended_ms * 1_000_000,
            waited_ns: waited_us * 1_000,
            outcome,
            ..Call::default()
        }
    }

    #[test]
    fn windows_part_time_without_gap_or_overlap() {
        let mut history = History::default();
        for n in 0..1_000 {
            history.record(&call(n * 10, 100, Outcome::Ok));
        }
        let at = |from: u64, to: u64| history.window(from * 1_000_000, to * 1_000_000).calls;
        assert_eq!(at(0, 10_000), 1_000);
        assert_eq!(at(0, 3_333) + at(3_333, 10_000), 1_000);
        assert_eq!(at(5_000, 6_000), 100);
        assert_eq!(at(6_000, 5_000), 0);
    }

    #[test]
    fn abandoned_calls_count_in_what_callers_lived_through_only() {
        let mut history = History::default();
        history.record(&call(0, 1_000, Outcome::Ok));
        history.record(&call(0, 3_000_000, Outcome::Abandoned));
        history.record(&call(0, 50, Outcome::Refused));
        let window = history.window(0, SLICE_NS);
        assert_eq!(
            (window.calls, window.ok, window.errors, window.abandoned),
            (3, 1, 1, 1)
        );
        assert_eq!(window.connect_failures, 1);
        assert_eq!(window.latency.count(), 1);
        assert_eq!(window.waited.count(), 2);
        assert_eq!(window.success_rate(), Some(1.0 / 3.0));
    }

    #[test]
    fn histories_of_one_party_add_up() {
        let (mut one, mut two) = (History::default(), History::default());
        one.record(&call(10, 500, Outcome::Ok));
        two.record(&call(20, 500, Outcome::Ok));
        two.record(&call(950, 700, Outcome::Abandoned));
        one.merge(two);
        let both = one.window(0, SLICE_NS);
        assert_eq!((both.calls, both.latency.count()), (2, 2));
        assert_eq!(one.window(0, 10 * SLICE_NS).abandoned, 1);
        assert_eq!((one.total().calls, one.total().waited.count()), (3, 3));
    }

    #[test]
    fn the_total_outlives_what_is_forgotten() {
        let mut history = History::default();
        history.record(&call(100, 10, Outcome::Ok));
        history.record(&call(900, 10, Outcome::Error));
        history.forget_before(500_000_000);
        assert_eq!(history.window(0, 1_000_000_000).calls, 1);
        assert_eq!(history.total().calls, 2);
    }
}
