//! The trays of the CPUs, in this process's memory, and word to the programs of how far they were
//! emptied.

use std::{
    hint,
    mem::offset_of,
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering, fence},
};

use anyhow::{Context, Result};
use aya::{maps::Map, util::nr_cpus};
use probe_common::{
    event::EventHeader,
    tray::{self, Cursor, Place, ROOM},
};

use crate::kernel::mapped::Mapped;

/// How often it is looked whether an event is whole by now: a program writes it within a
/// microsecond, unless it was interrupted or its processor stands still.
pub(super) const LOOKS: u32 = 10_000;

/// How many events are taken out before the programs are told so: each time costs them a cache
/// line.
const TOLD_EVERY: u64 = 64;

/// There is no next event: it is later than all.
const NONE: u64 = u64::MAX;
/// The next event is still being written: it may be earlier than all.
const NOT_WHOLE: u64 = 0;

/// All trays.
pub(super) struct Trays {
    places: Mapped<Place>,
    cursors: Mapped<Cursor>,
    places_per_tray: u64,
    trays: Vec<Tray>,
}

/// One of them.
#[derive(Clone, Copy, Debug, Default)]
struct Tray {
    /// How many events were taken out.
    emptied: u64,
    /// How many there were in all when it was last looked.
    given: u64,
    /// When the next of them happened; [`NONE`] or [`NOT_WHOLE`].
    next_ns: u64,
}

/// How many trays this host has, and how many places each of them.
pub(in crate::kernel) fn layout() -> (u32, u32) {
    let trays = tray::trays(nr_cpus().map_or(tray::MAX_TRAYS, |cpus| cpus as u32));
    (trays, tray::places(trays))
}

impl Trays {
    /// Maps the trays of a loaded object.
    ///
    /// # Errors
    /// Where the kernel can't map arrays (before 5.5).
    pub(super) fn map(places: &Map, cursors: &Map) -> Result<Self> {
        let (trays, places_per_tray) = layout();
        let mapped = || -> Result<_> {
            let places = Mapped::map(places, (trays * places_per_tray) as usize)?;
            Ok((places, Mapped::map_writable(cursors, trays as usize)?))
        };
        let (places, cursors) = mapped().context("mapping the trays of events")?;
        Ok(Self::of(places, cursors, trays as usize, places_per_tray))
    }

    fn of(
        places: Mapped<Place>,
        cursors: Mapped<Cursor>,
        trays: usize,
        places_per_tray: u32,
    ) -> Self {
        Self {
            places,
            cursors,
            places_per_tray: u64::from(places_per_tray),
            trays: vec![Tray::default(); trays],
        }
    }

    /// Looks how many events there are.
    pub(super) fn look(&mut self) {
        for tray in 0..self.trays.len() {
            let given = self.cursor(tray, offset_of!(Cursor, given));
            self.trays[tray].given = given.map_or(0, |it| it.load(Ordering::Acquire));
            self.find_next(tray);
        }
    }

    /// Hands over, in the order in which they happened, the events of before some time that were
    /// there at the last look. Tells whether those were all: where one isn't whole, what happened
    /// later has to wait for it.
    pub(super) fn each_before(&mut self, until_ns: u64, mut hand: impl FnMut(&[u8])) -> bool {
        loop {
            let all = self.trays.iter().enumerate();
            let Some((tray, next_ns)) = all.map(|(i, it)| (i, it.next_ns)).min_by_key(|it| it.1)
            else {
                return true;
            };
            match next_ns {
                NOT_WHOLE => return false,
                _ if next_ns >= until_ns => return true,
                _ => {}
            }
            if let Some(place) = self.next_place(tray) {
                // SAFETY: within the mapping, and whole; the programs leave it alone until they are
                // told that it was taken out.
                hand(unsafe { &*(&raw const (*place.as_ptr()).event).cast::<[u8; ROOM]>() });
            }
            self.trays[tray].emptied += 1;
            if self.trays[tray].emptied.is_multiple_of(TOLD_EVERY) {
                self.tell_of(tray);
            }
            self.find_next(tray);
        }
    }

    /// Tells the programs how far the trays were emptied.
    pub(super) fn tell(&self) {
        (0..self.trays.len()).for_each(|tray| self.tell_of(tray));
    }

    fn tell_of(&self, tray: usize) {
        if let Some(emptied) = self.cursor(tray, offset_of!(Cursor, emptied)) {
            emptied.store(self.trays[tray].emptied, Ordering::Release);
        }
    }

    /// Finds out when a tray's next event happened.
    fn find_next(&mut self, tray: usize) {
        let it = self.trays[tray];
        self.trays[tray].next_ns = if it.emptied >= it.given {
            NONE
        } else {
            self.when_whole(tray, it.emptied + 1).unwrap_or(NOT_WHOLE)
        };
    }

    /// When a tray's next event happened, once it is whole; `None` where it isn't soon.
    fn when_whole(&self, tray: usize, number: u64) -> Option<u64> {
        let place = self.next_place(tray)?.as_ptr();
        // SAFETY: an aligned word within the mapping, which programs change as a whole.
        let shown = unsafe { AtomicU64::from_ptr(&raw mut (*place).number) };
        for _ in 0..LOOKS {
            // Of memory that can only be read, std vouches for relaxed loads alone.
            if shown.load(Ordering::Relaxed) == number {
                fence(Ordering::Acquire);
                // SAFETY: as in `each_before`.
                let header = unsafe { (&raw const (*place).event).cast::<EventHeader>().read() };
                return Some(header.at_ns);
            }
            hint::spin_loop();
        }
        None
    }

    fn next_place(&self, tray: usize) -> Option<NonNull<Place>> {
        let Tray { emptied, .. } = self.trays[tray];
        let index = tray as u64 * self.places_per_tray + emptied % self.places_per_tray;
        self.places.at(index as usize)
    }

    /// A word of a tray's cursor.
    fn cursor(&self, tray: usize, offset: usize) -> Option<&AtomicU64> {
        let cursor = self.cursors.at(tray)?;
        // SAFETY: an aligned word within the mapping, which both sides change as a whole; the
        // mapping lives as long as the answer.
        Some(unsafe { AtomicU64::from_ptr(cursor.as_ptr().byte_add(offset).cast()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: u32 = 4;

    fn two_trays() -> Trays {
        let places = Mapped::anonymous(2 * PLACES as usize).unwrap();
        Trays::of(places, Mapped::anonymous(2).unwrap(), 2, PLACES)
    }

    /// Gives a place to an event of some time, as the programs do; tells whether there was room.
    fn give(trays: &Trays, tray: usize, at_ns: u64) -> Option<NonNull<Place>> {
        let word = |offset| trays.cursor(tray, offset).unwrap();
        let given = word(offset_of!(Cursor, given));
        let number = given.load(Ordering::Relaxed);
        let emptied = word(offset_of!(Cursor, emptied)).load(Ordering::Relaxed);
        if number - emptied >= u64::from(PLACES) {
            return None;
        }
        given.store(number + 1, Ordering::Relaxed);
        let index = tray as u64 * u64::from(PLACES) + number % u64::from(PLACES);
        let place = trays.places.at(index as usize).unwrap();
        // SAFETY: within the mapping, which nobody else has.
        unsafe { (*place.as_ptr()).event[1] = at_ns };
        Some(place)
    }

    fn show(trays: &Trays, tray: usize, place: NonNull<Place>) {
        let given = trays.cursor(tray, offset_of!(Cursor, given)).unwrap();
        // SAFETY: as above.
        unsafe { (*place.as_ptr()).number = given.load(Ordering::Relaxed) };
    }

    fn put(trays: &Trays, tray: usize, at_ns: u64) -> bool {
        let place = give(trays, tray, at_ns);
        place.is_some_and(|place| {
            show(trays, tray, place);
            true
        })
    }

    /// The times of what is handed over, and whether that was all.
    fn taken(trays: &mut Trays, until_ns: u64) -> (Vec<u64>, bool) {
        let mut times = Vec::new();
        let all = trays.each_before(until_ns, |bytes| {
            times.push(EventHeader::decode(bytes).unwrap().at_ns);
        });
        (times, all)
    }

    #[test]
    fn what_several_cpus_told_comes_in_the_order_in_which_it_happened() {
        let mut trays = two_trays();
        for (tray, at_ns) in [(0, 10), (0, 40), (1, 20), (1, 30), (1, 50)] {
            assert!(put(&trays, tray, at_ns));
        }
        trays.look();
        assert_eq!(taken(&mut trays, 40), (vec![10, 20, 30], true));
        // What came after the look is for the next time, however early it happened.
        assert!(put(&trays, 0, 35));
        assert_eq!(taken(&mut trays, 60), (vec![40, 50], true));
        trays.look();
        assert_eq!(taken(&mut trays, 60), (vec![35], true));
    }

    #[test]
    fn nothing_overtakes_an_event_that_is_still_written() {
        let mut trays = two_trays();
        let unfinished = give(&trays, 0, 10).unwrap();
        assert!(put(&trays, 1, 20));
        trays.look();
        assert_eq!(taken(&mut trays, 100), (vec![], false));
        show(&trays, 0, unfinished);
        trays.look();
        assert_eq!(taken(&mut trays, 100), (vec![10, 20], true));
    }

    #[test]
    fn a_full_tray_has_room_again_once_it_is_told_to_be_emptied() {
        let mut trays = two_trays();
        for round in 0..3 {
            let at_ns = |n| round * 100 + n;
            for n in 1..=u64::from(PLACES) {
                assert!(put(&trays, 0, at_ns(n)));
            }
            assert!(!put(&trays, 0, at_ns(9)), "there is no room for a fifth");
            trays.look();
            let all: Vec<_> = (1..=u64::from(PLACES)).map(at_ns).collect();
            assert_eq!(taken(&mut trays, u64::MAX), (all, true));
            assert!(!put(&trays, 0, at_ns(9)), "nobody told of it yet");
            trays.tell();
        }
    }
}
