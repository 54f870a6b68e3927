//! Bulkhead: one dependency may hold up only so many customers; the next one is turned away at
//! once rather than queued, so that a slow dependency can't take the whole shop down with it.

use tokio::sync::{Semaphore, SemaphorePermit};

/// The places there are for calls to one dependency.
pub(crate) struct Bulkhead(Semaphore);

impl Bulkhead {
    /// Makes `limit` places.
    pub(crate) fn new(limit: usize) -> Self {
        Self(Semaphore::new(limit))
    }

    /// Takes a place until the permit is dropped, if there is one now.
    pub(crate) fn try_enter(&self) -> Option<SemaphorePermit<'_>> {
        self.0.try_acquire().ok()
    }
}

impl Default for Bulkhead {
    fn default() -> Self {
        Self::new(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_is_turned_away_until_one_leaves() {
        let bulkhead = Bulkhead::default();
        let mut inside: Vec<_> = (0..10).map(|_| bulkhead.try_enter().unwrap()).collect();
        assert!(bulkhead.try_enter().is_none());
        inside.pop();
        assert!(bulkhead.try_enter().is_some());
    }
}
