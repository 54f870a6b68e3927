//! The trays that events of a fixed length leave through.

use aya_ebpf::{helpers::bpf_get_smp_processor_id, macros::map, maps::Array};
use probe_common::tray::{Cursor, MAX_TRAYS, Place, ROOM, places};

use super::BPF_F_MMAPABLE;
use crate::atomic;

/// How often a place is tried for that others take at the same time: those that interrupted this
/// one, or CPUs that share its tray.
const TRIES: u32 = 3;

#[map(name = "PROBE_TRAYS")]
static PLACES: Array<Place> =
    Array::with_max_entries(MAX_TRAYS * places(MAX_TRAYS), BPF_F_MMAPABLE);
#[map(name = "PROBE_TRAYCUR")]
static CURSORS: Array<Cursor> = Array::with_max_entries(MAX_TRAYS, BPF_F_MMAPABLE);

/// How many trays there are, and how many places each has: powers of two, set when the object is
/// loaded.
#[unsafe(no_mangle)]
static PROBE_TRAYCNT: u32 = MAX_TRAYS;
#[unsafe(no_mangle)]
static PROBE_PLACES: u32 = places(MAX_TRAYS);

/// A place that an event has to itself until it is shown.
pub(crate) struct Taken {
    place: *mut Place,
    number: u64,
}

impl Taken {
    /// Where the event is to be written: on a word's boundary.
    #[inline(always)]
    pub(crate) fn event<T>(&self) -> *mut T {
        const { assert!(size_of::<T>() <= ROOM && align_of::<T>() <= align_of::<u64>()) };
        // SAFETY: no more than an address is made of it.
        unsafe { (&raw mut (*self.place).event).cast() }
    }

    /// The event is whole, and may be taken out.
    #[inline(always)]
    pub(crate) fn show(self) {
        // SAFETY: a valid, aligned pointer into the map. The exchange comes after all that was
        // written before, on every machine.
        unsafe { atomic::swap(&raw mut (*self.place).number, self.number) };
    }
}

/// A place in this CPU's tray; `None` where it is full, or others were faster time and again.
#[inline(always)]
pub(crate) fn take() -> Option<Taken> {
    // SAFETY: constants of the object; volatile, because the loader changes them.
    let (trays, places) = unsafe {
        (
            core::ptr::read_volatile(&raw const PROBE_TRAYCNT),
            core::ptr::read_volatile(&raw const PROBE_PLACES),
        )
    };
    // SAFETY: a helper call without arguments.
    let tray = unsafe { bpf_get_smp_processor_id() } & trays.wrapping_sub(1) & (MAX_TRAYS - 1);
    let cursor = CURSORS.get_ptr_mut(tray)?;
    for _ in 0..TRIES {
        // SAFETY: valid, aligned pointers into the map; `given` is changed by atomic operations
        // only, `emptied` written whole by user space. Neither shrinks: an old `emptied` shows less
        // room than there is, and an old `given` isn't there any more when it is replaced.
        let (given, emptied) = unsafe {
            (
                (&raw const (*cursor).given).read_volatile(),
                (&raw const (*cursor).emptied).read_volatile(),
            )
        };
        if given >= emptied + u64::from(places) {
            return None;
        }
        let index = tray * places + (given as u32 & places.wrapping_sub(1));
        let place = PLACES.get_ptr_mut(index)?;
        // SAFETY: as above.
        if unsafe { atomic::replace(&raw mut (*cursor).given, given, given + 1) } {
            let number = given + 1;
            return Some(Taken { place, number });
        }
    }
    None
}
