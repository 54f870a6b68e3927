//! Trays: where events of a fixed length leave the kernel. Each CPU puts them in places of its own,
//! in memory that the observer maps, so that no CPU waits for another. What carries a piece of the
//! traffic goes through the ring instead, as does what finds a tray full.

use crate::{
    event::CallEvent,
    line::{MAX_CPUS, blocks},
};

/// Most CPUs that have a tray each; those beyond share one with an earlier one.
pub const MAX_TRAYS: u32 = MAX_CPUS;

/// Places of all trays together, where there are few.
const FEW: u32 = 1 << 15;

/// Fewest places of a tray, however many there are.
const FEWEST: u32 = 1 << 11;

/// Bytes of the largest event that a place has room for.
pub const ROOM: usize = size_of::<CallEvent>();

/// How many trays a host has.
pub const fn trays(cpus: u32) -> u32 {
    blocks(cpus)
}

/// How many places each of so many trays has: a power of two.
pub const fn places(trays: u32) -> u32 {
    let share = FEW / trays;
    if share < FEWEST { FEWEST } else { share }
}

/// Room for an event.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Which of its tray's events lies here, from 1; written once it is whole.
    pub number: u64,
    /// The event, in words so that it begins where words may.
    pub event: [u64; ROOM / 8],
}

/// How far a tray was filled, and emptied: each in a cache line that only one side writes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    /// How many places were given to events.
    pub given: u64,
    /// Always zero.
    pub pad: [u64; 7],
    /// How many of their events were taken out; written by user space.
    pub emptied: u64,
    /// Always zero.
    pub pad_behind: [u64; 7],
}

const _: () = assert!(size_of::<Place>() == 200);
const _: () = assert!(size_of::<Cursor>() == 128);

#[cfg(test)]
mod tests {
    use super::{FEW, FEWEST, MAX_TRAYS, places, trays};

    #[test]
    fn every_cpu_has_a_tray_and_no_tray_is_small() {
        for cpus in [1, 2, 3, 12, 64, 65, 1_024] {
            let trays = trays(cpus);
            assert!(trays.is_power_of_two() && (cpus.min(MAX_TRAYS)..=MAX_TRAYS).contains(&trays));
            let places = places(trays);
            assert!(places.is_power_of_two() && places >= FEWEST);
            assert!(places * trays >= FEW);
        }
        assert_eq!((trays(2), places(2)), (2, FEW / 2));
    }
}
