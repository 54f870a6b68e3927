//! Peers: counters and latency histograms, by slots that user space lends out and takes back.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, PerCpuArray, Queue},
};
use probe_common::{
    counters::PeerCounters,
    flow::PeerKey,
    histogram::{Buckets, bucket_of},
    peer::{MAX_PEERS, PeerSlot, index_of},
};

use super::{count_shared, counters};
use crate::atomic;

#[map(name = "PROBE_PEERS")]
static PEERS: HashMap<PeerKey, u32> = HashMap::with_max_entries(MAX_PEERS, 0);
#[map(name = "PROBE_PEERFREE")]
static FREE: Queue<u32> = Queue::with_max_entries(MAX_PEERS, 0);
#[map(name = "PROBE_PEERSLOT")]
static SLOTS: Array<PeerSlot> = Array::with_max_entries(MAX_PEERS, 0);
#[map(name = "PROBE_PEERCNT")]
static PEER_COUNTERS: PerCpuArray<PeerCounters> = PerCpuArray::with_max_entries(MAX_PEERS, 0);
/// One for all CPUs: a histogram a CPU and peer would be gigabytes on a large host.
#[map(name = "PROBE_LATENCY")]
static LATENCY: Array<Buckets> = Array::with_max_entries(MAX_PEERS, 0);

/// Only where there is no such key.
const BPF_NOEXIST: u64 = 1;

/// The handle of a peer's slot, lent where it has none yet; 0 where all are taken.
#[inline(always)]
pub(crate) fn slot_of(key: &PeerKey) -> u32 {
    // SAFETY: a value is written once, with its key; user space takes away those of peers that
    // have been idle for seconds.
    if let Some(&handle) = unsafe { PEERS.get(key) } {
        return handle;
    }
    let handle = lend(key);
    if handle == 0 {
        count_shared!(counters::observer(), peers_full);
    }
    handle
}

#[inline(always)]
fn lend(key: &PeerKey) -> u32 {
    let Ok(Some(handle)) = FREE.pop() else {
        return 0;
    };
    let Some(slot) = SLOTS.get_ptr_mut(index_of(handle)) else {
        return 0;
    };
    // SAFETY: a valid pointer into the map; nobody else has the slot.
    unsafe {
        (*slot).key = *key;
        (*slot).unwanted = 0;
        (*slot).handle = handle;
    }
    if PEERS.insert(key, handle, BPF_NOEXIST).is_ok() {
        return handle;
    }
    // Another CPU was faster.
    // SAFETY: as above.
    unsafe { (*slot).handle = 0 };
    let _ = FREE.push(handle, 0);
    // SAFETY: as in `slot_of`.
    unsafe { PEERS.get(key) }.copied().unwrap_or(0)
}

/// Where a peer's figures are: looked for once, for all that a packet adds to them.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    index: u32,
}

/// The figures of who has a slot by this handle; those of who hasn't any more count with all
/// others'.
#[inline(always)]
pub(crate) fn figures_of(handle: u32) -> Figures {
    Figures {
        index: slot_by(handle).map_or(0, |_| index_of(handle)),
    }
}

/// Whether nobody asked for who has a slot by this handle.
#[inline(always)]
pub(crate) fn is_unwanted(handle: u32) -> bool {
    // SAFETY: a valid pointer into the map.
    slot_by(handle).is_some_and(|slot| unsafe { (*slot).unwanted } != 0)
}

/// The slot that somebody has by this handle; `None` where it isn't theirs any more.
#[inline(always)]
fn slot_by(handle: u32) -> Option<*mut PeerSlot> {
    let slot = SLOTS.get_ptr_mut(index_of(handle))?;
    // SAFETY: as above.
    (unsafe { (*slot).handle } == handle).then_some(slot)
}

impl Figures {
    /// Whether they are those of all who have no slot.
    #[inline(always)]
    pub(crate) fn are_nobodys(self) -> bool {
        self.index == 0
    }

    #[inline(always)]
    pub(crate) fn counters(self) -> Option<*mut PeerCounters> {
        PEER_COUNTERS.get_ptr_mut(self.index)
    }

    #[inline(always)]
    pub(crate) fn record_latency(self, latency_ns: u64) {
        let bucket = bucket_of(latency_ns / 1_000);
        if let Some(buckets) = LATENCY.get_ptr_mut(self.index) {
            // SAFETY: `bucket_of` stays below the array's length, and all CPUs add atomically.
            unsafe {
                if let Some(count) = (*buckets).counts.get_mut(bucket) {
                    atomic::fetch_add_u32(count, 1);
                }
            }
        }
    }

    #[inline(always)]
    pub(super) fn index(self) -> u32 {
        self.index
    }
}
