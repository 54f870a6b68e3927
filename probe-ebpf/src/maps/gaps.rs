//! Bytes that were overtaken by those behind them, until they come.

use aya_ebpf::{macros::map, maps::LruHashMap};
use probe_common::framing::{Gap, GapKey, MAX_GAPS};

#[map(name = "PROBE_GAPS")]
static GAPS: LruHashMap<GapKey, Gap> = LruHashMap::with_max_entries(MAX_GAPS, 0);

/// Keeps a gap; tells whether there was room.
#[inline(always)]
pub(crate) fn put(key: &GapKey, gap: &Gap) -> bool {
    GAPS.insert(key, gap, 0).is_ok()
}

#[inline(always)]
pub(crate) fn get(key: &GapKey) -> Option<*mut Gap> {
    GAPS.get_ptr_mut(key)
}

#[inline(always)]
pub(crate) fn remove(key: &GapKey) {
    let _ = GAPS.remove(key);
}
