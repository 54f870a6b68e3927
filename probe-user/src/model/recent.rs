//! What is remembered of connections between their events, bounded: two generations, of which the
//! older one goes when the younger is full. Whoever is heard of is young again.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// How many a generation holds; beyond, those heard of longest ago are forgotten. As many as a table
/// of 65,536 places takes: one more, and it would be twice as large.
const GENERATION: usize = 65_536 / 8 * 7;

/// Values by socket cookie.
#[derive(Debug)]
pub(super) struct Recent<V> {
    young: HashMap<u64, V, FixedState>,
    old: HashMap<u64, V, FixedState>,
    generation: usize,
    /// How many were forgotten that nobody had taken.
    pub(super) forgotten: u64,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self::of(GENERATION)
    }
}

impl<V> Recent<V> {
    /// One whose generations hold so many.
    pub(super) fn of(generation: usize) -> Self {
        Self {
            young: HashMap::default(),
            old: HashMap::default(),
            generation,
            forgotten: 0,
        }
    }

    /// Remembers something of a connection, instead of what was known of it.
    pub(super) fn insert(&mut self, cookie: u64, value: V) {
        self.old.remove(&cookie);
        self.keep(cookie, value);
    }

    /// Takes what is known of a connection.
    pub(super) fn remove(&mut self, cookie: u64) -> Option<V> {
        self.young
            .remove(&cookie)
            .or_else(|| self.old.remove(&cookie))
    }

    fn keep(&mut self, cookie: u64, value: V) {
        if self.young.len() >= self.generation {
            self.forgotten += self.old.len() as u64;
            // Emptied, a table needn't grow again, for which there would be another beside it; but
            // what came and went may have made it twice as large as it need be.
            self.old.clear();
            self.old.shrink_to(self.generation);
            std::mem::swap(&mut self.young, &mut self.old);
        }
        self.young.insert(cookie, value);
    }
}

impl<V: Default> Recent<V> {
    /// What is known of a connection; nothing, where it is heard of for the first time.
    pub(super) fn entry(&mut self, cookie: u64) -> &mut V {
        if !self.young.contains_key(&cookie) {
            let value = self.old.remove(&cookie).unwrap_or_default();
            self.keep(cookie, value);
        }
        self.young.entry(cookie).or_default()
    }

    /// The same; `None` where another would have to be forgotten for one that nobody called on yet.
    pub(super) fn entry_with_room(&mut self, cookie: u64) -> Option<&mut V> {
        let has_room = self.young.len() < self.generation;
        (has_room || self.young.contains_key(&cookie)).then(|| self.entry(cookie))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_forgotten_for_one_that_only_was_there() {
        let mut recent = Recent::of(2);
        recent.insert(1, 1);
        assert!(recent.entry_with_room(2).is_some());
        assert!(recent.entry_with_room(3).is_none());
        assert_eq!(recent.entry_with_room(1), Some(&mut 1));
    }

    #[test]
    fn those_heard_of_longest_ago_are_forgotten_and_counted() {
        let mut recent = Recent::of(10);
        for cookie in 0..25 {
            recent.insert(cookie, cookie);
            assert_eq!(*recent.entry(0), 0, "heard of all the time");
        }
        assert_eq!(recent.remove(24), Some(24));
        let left = (0..24).filter(|&it| recent.remove(it).is_some()).count() as u64;
        assert!((9..=19).contains(&left), "{left}");
        assert_eq!(left + 1 + recent.forgotten, 25);
    }

    #[test]
    fn what_was_taken_is_gone_and_not_forgotten() {
        let mut recent = Recent::of(2);
        *recent.entry(1) = 5;
        *recent.entry(2) = 6;
        *recent.entry(3) = 7;
        assert_eq!(recent.remove(1), Some(5));
        assert_eq!(recent.remove(1), None);
        assert_eq!((*recent.entry(1), recent.forgotten), (0, 0));
    }
}
