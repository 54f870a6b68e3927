//! Peers: counters and latency histograms, by a slot that is given out here.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, PerCpuArray},
};
use probe_common::{
    counters::PeerCounters,
    flow::{MAX_PEERS, PeerKey},
    histogram::{Buckets, bucket_of},
};

use super::{count, counters};

#[map(name = "PROBE_PEERS")]
static PEERS: HashMap<PeerKey, u32> = HashMap::with_max_entries(MAX_PEERS, 0);
#[map(name = "PROBE_PEERCUR")]
static PEER_CURSOR: Array<u64> = Array::with_max_entries(1, 0);
#[map(name = "PROBE_PEERCNT")]
static PEER_COUNTERS: PerCpuArray<PeerCounters> = PerCpuArray::with_max_entries(MAX_PEERS, 0);
#[map(name = "PROBE_LATENCY")]
static LATENCY: PerCpuArray<Buckets> = PerCpuArray::with_max_entries(MAX_PEERS, 0);

/// The slot of a peer, given out where it has none yet; 0 where all are taken.
#[inline(always)]
pub(crate) fn slot_of(key: &PeerKey) -> u32 {
    // SAFETY: values are only ever inserted, never changed or removed.
    if let Some(&slot) = unsafe { PEERS.get(key) } {
        return slot;
    }
    let slot = next_slot();
    if slot == 0 || PEERS.insert(key, slot, 0).is_err() {
        count!(counters::observer(), peers_full);
        return 0;
    }
    slot
}

#[inline(always)]
fn next_slot() -> u32 {
    let Some(cursor) = PEER_CURSOR.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: a valid, aligned pointer into the map, only ever changed by this.
    let taken = unsafe { crate::atomic::fetch_add(cursor, 1) };
    if taken + 1 >= u64::from(MAX_PEERS) {
        0
    } else {
        taken as u32 + 1
    }
}

#[inline(always)]
pub(crate) fn counters_of(slot: u32) -> Option<*mut PeerCounters> {
    PEER_COUNTERS.get_ptr_mut(slot)
}

#[inline(always)]
pub(crate) fn record_latency(slot: u32, latency_ns: u64) {
    let bucket = bucket_of(latency_ns / 1_000);
    if let Some(buckets) = LATENCY.get_ptr_mut(slot) {
        // SAFETY: `bucket_of` stays below the array's length, and this CPU alone writes it.
        unsafe {
            if let Some(count) = (*buckets).counts.get_mut(bucket) {
                *count += 1;
            }
        }
    }
}
