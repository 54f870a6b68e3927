//! Load shedding: with too many customers being served already, the next one is told so at once.
//! A quick no leaves the capacity to those who were let in, where a slow yes would help nobody.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts who is being served, and turns away whom a limit leaves no room for.
pub(crate) struct LoadShedding {
    limit: Option<u64>,
    in_flight: AtomicU64,
    in_flight_max: AtomicU64,
    admitted: AtomicU64,
    shed: AtomicU64,
}

impl LoadShedding {
    /// The most that are served at once while the pattern is there.
    pub(crate) const LIMIT: u64 = 64;

    /// Lets in up to `limit` at once, or everybody.
    pub(crate) fn new(limit: Option<u64>) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            limit,
            in_flight: zero(),
            in_flight_max: zero(),
            admitted: zero(),
            shed: zero(),
        }
    }

    /// Lets a customer in until the admission is dropped, if there is room.
    pub(crate) fn try_admit(&self) -> Option<Admission<'_>> {
        let in_flight = self.in_flight.fetch_add(1, Relaxed) + 1;
        let admission = Admission(self);
        if self.limit.is_some_and(|limit| in_flight > limit) {
            self.shed.fetch_add(1, Relaxed);
            return None;
        }
        self.admitted.fetch_add(1, Relaxed);
        self.in_flight_max.fetch_max(in_flight, Relaxed);
        Some(admission)
    }

    /// How many were let in, how many turned away, and the most that were in at once.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        (
            read(&self.admitted),
            read(&self.shed),
            read(&self.in_flight_max),
        )
    }
}

/// One customer being served.
pub(crate) struct Admission<'a>(&'a LoadShedding);

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_and_places_come_free() {
        let shedding = LoadShedding::new(Some(2));
        let first = shedding.try_admit().unwrap();
        let _second = shedding.try_admit().unwrap();
        assert!(shedding.try_admit().is_none());
        drop(first);
        assert!(shedding.try_admit().is_some());
        assert_eq!(shedding.counts(), (3, 1, 2));
    }

    #[test]
    fn without_a_limit_everybody_gets_in() {
        let shedding = LoadShedding::new(None);
        let inside: Vec<_> = (0..1000).map(|_| shedding.try_admit().unwrap()).collect();
        assert_eq!(shedding.counts(), (inside.len() as u64, 0, 1000));
    }
}
