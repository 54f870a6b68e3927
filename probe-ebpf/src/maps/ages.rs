//! Which connections a rule saw begin.

use aya_ebpf::{macros::map, maps::LruHashMap};
use probe_common::rule::MAX_BEGUN;

#[map(name = "PROBE_BEGUN")]
static BEGUN: LruHashMap<u64, u32> = LruHashMap::with_max_entries(MAX_BEGUN, 0);

/// The age of a connection under a rule; as given, where there is none yet.
#[inline(always)]
pub(crate) fn of(key: u64, otherwise: u32) -> u32 {
    if let Some(age) = BEGUN.get_ptr(key) {
        // SAFETY: a valid pointer into the map; a value is written whole.
        return unsafe { core::ptr::read_volatile(age) };
    }
    set(key, otherwise);
    otherwise
}

#[inline(always)]
pub(crate) fn set(key: u64, age: u32) {
    let _ = BEGUN.insert(key, age, 0);
}
