//! What went through a line: counted by its thread, read by others.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use crate::model::Histogram;

/// Counters of a running line.
#[derive(Debug, Default)]
pub struct Statistics {
    released: AtomicU64,
    overflow: AtomicU64,
    foreign: AtomicU64,
    failed: AtomicU64,
    waits: Mutex<Waits>,
}

/// How long packets waited that stayed until they were due; microseconds.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    /// How long they were to wait.
    pub requested: Histogram,
    /// How long they did, from the TC program to the moment they went on.
    pub measured: Histogram,
    /// How much longer than they were to: short, so that buckets tell it to a few microseconds.
    pub lateness: Histogram,
}

impl Waits {
    /// Counts one packet, by its times on CLOCK_MONOTONIC.
    pub(super) fn record(&mut self, entered_ns: u64, due_ns: u64, went_ns: u64) {
        let between = |from: u64, to: u64| to.saturating_sub(from) / 1_000;
        self.requested.record(between(entered_ns, due_ns));
        self.measured.record(between(entered_ns, went_ns));
        self.lateness.record(between(due_ns, went_ns));
    }

    /// Adds those of another line.
    pub(super) fn merge(&mut self, other: &Self) {
        self.requested.merge(&other.requested);
        self.measured.merge(&other.measured);
        self.lateness.merge(&other.lateness);
    }
}

/// A reading of [`Statistics`].
#[derive(Clone, Debug, Default)]
pub struct LineStatistics {
    /// Frames that went on.
    pub released: u64,
    /// Frames dropped because the line held as much as it may, or its device did.
    pub overflow: u64,
    /// Frames on the device that weren't the line's own.
    pub foreign: u64,
    /// Frames that the kernel would not take back.
    pub failed: u64,
    /// How long packets waited.
    pub waits: Waits,
}

impl LineStatistics {
    /// Adds what went through another line.
    pub fn add(&mut self, other: &Self) {
        self.released += other.released;
        self.overflow += other.overflow;
        self.foreign += other.foreign;
        self.failed += other.failed;
        self.waits.merge(&other.waits);
    }
}

impl Statistics {
    pub(super) fn count_released(&self) {
        self.released.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_overflow(&self) {
        self.overflow.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_foreign(&self) {
        self.foreign.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds what a thread collected of waits, and empties it.
    pub(super) fn take_waits(&self, collected: &mut Waits) {
        let collected = std::mem::take(collected);
        if let Ok(mut waits) = self.waits.lock() {
            waits.merge(&collected);
        }
    }

    pub(super) fn read(&self) -> LineStatistics {
        LineStatistics {
            released: self.released.load(Ordering::Relaxed),
            overflow: self.overflow.load(Ordering::Relaxed),
            foreign: self.foreign.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            waits: self
                .waits
                .lock()
                .map(|waits| waits.clone())
                .unwrap_or_default(),
        }
    }
}
