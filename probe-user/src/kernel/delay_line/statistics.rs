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
    /// Requested and measured waits of packets that came to wait; microseconds.
    waits: Mutex<(Histogram, Histogram)>,
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
    /// How long packets were to wait.
    pub requested: Histogram,
    /// How long they did, from the TC program to the moment they went on.
    pub measured: Histogram,
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

    /// Adds what a thread collected of waits, requested and measured, and empties it.
    pub(super) fn take_waits(&self, collected: &mut (Histogram, Histogram)) {
        let (requested, measured) = std::mem::take(collected);
        if let Ok(mut waits) = self.waits.lock() {
            waits.0.merge(&requested);
            waits.1.merge(&measured);
        }
    }

    pub(super) fn read(&self) -> LineStatistics {
        let (requested, measured) = self
            .waits
            .lock()
            .map(|waits| waits.clone())
            .unwrap_or_default();
        LineStatistics {
            released: self.released.load(Ordering::Relaxed),
            overflow: self.overflow.load(Ordering::Relaxed),
            foreign: self.foreign.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            requested,
            measured,
        }
    }
}
