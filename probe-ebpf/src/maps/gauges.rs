//! How many requests wait, of each peer: one gauge a slot, shared by all CPUs.

use aya_ebpf::{macros::map, maps::Array};
use probe_common::{gauge::Gauge, peer::MAX_PEERS};

use super::{BPF_F_MMAPABLE, peers::Figures};
use crate::atomic;

/// How often a maximum is tried to be raised while other CPUs raise it.
const TRIES: usize = 4;

#[map(name = "PROBE_GAUGES")]
static GAUGES: Array<Gauge> = Array::with_max_entries(MAX_PEERS, BPF_F_MMAPABLE);

/// One more waits.
#[inline(always)]
pub(crate) fn rise(figures: Figures) {
    let Some(gauge) = GAUGES.get_ptr_mut(figures.index()) else {
        return;
    };
    // SAFETY: a valid, aligned pointer into the map, changed by atomic operations only.
    unsafe {
        let waiting = (&raw mut (*gauge).in_flight).cast::<u64>();
        let now = atomic::fetch_add(waiting, 1).wrapping_add(1);
        let most = &raw mut (*gauge).most;
        for _ in 0..TRIES {
            let known = core::ptr::read_volatile(most);
            if now as i64 <= known as i64 || atomic::replace(most, known, now) {
                break;
            }
        }
    }
}

/// So many wait no longer.
#[inline(always)]
pub(crate) fn fall(figures: Figures, by: u64) {
    if let Some(gauge) = GAUGES.get_ptr_mut(figures.index()) {
        // SAFETY: as above.
        unsafe {
            atomic::fetch_add((&raw mut (*gauge).in_flight).cast(), by.wrapping_neg());
        }
    }
}
