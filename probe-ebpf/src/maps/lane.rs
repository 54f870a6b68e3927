//! Slots, waits and the few words of the fq lane.

use aya_ebpf::{
    macros::map,
    maps::{Array, PerCpuArray},
};
use probe_common::{
    histogram::{Buckets, bucket_of},
    lane::{LaneSlot, MOST_BYTES, SLOTS, STRIDE, TRIES, wait, word},
};

use crate::atomic;

#[map(name = "PROBE_LANESLOT")]
static LANE_SLOTS: Array<LaneSlot> = Array::with_max_entries(SLOTS, 0);
#[map(name = "PROBE_LANE")]
static LANE: Array<u64> = Array::with_max_entries(word::COUNT, 0);
#[map(name = "PROBE_LANEWAIT")]
static LANE_WAITS: PerCpuArray<Buckets> = PerCpuArray::with_max_entries(wait::COUNT, 0);

/// Set when the object is loaded. Where it is zero, the verifier doesn't look at what depends on
/// it, so that kernels without the helper that sets departure times take the programs as well.
#[unsafe(no_mangle)]
static PROBE_HAS_LANE: u32 = 0;

/// Whether the kernel has what the lane takes.
#[inline(always)]
pub(crate) fn is_supported() -> bool {
    // SAFETY: a constant of the object; volatile, because the loader changes it.
    unsafe { core::ptr::read_volatile(&raw const PROBE_HAS_LANE) != 0 }
}

/// Takes a slot for a packet and gives its number; `None` where too many wait, or too much.
#[inline(always)]
pub(crate) fn take(slot: &LaneSlot, now_ns: u64) -> Option<u16> {
    let cursor = LANE.get_ptr_mut(word::CURSOR)?;
    let bytes = LANE.get_ptr_mut(word::BYTES)?;
    let length = u64::from(slot.length);
    // SAFETY: valid, aligned pointers into the map, changed by atomic operations only.
    let (waiting, first) = unsafe {
        (
            atomic::fetch_add(bytes, length),
            atomic::fetch_add(cursor, 1),
        )
    };
    if waiting + length <= MOST_BYTES {
        for attempt in 0..TRIES {
            let number = (first as u32).wrapping_add(attempt * STRIDE) & (SLOTS - 1);
            if hold(number, slot, now_ns).is_some() {
                return Some(number as u16);
            }
        }
    }
    // SAFETY: as above.
    unsafe { atomic::fetch_add(bytes, length.wrapping_neg()) };
    None
}

/// Makes a slot the packet's, if it is free, or its packet was lost.
#[inline(always)]
fn hold(number: u32, slot: &LaneSlot, now_ns: u64) -> Option<()> {
    let place = LANE_SLOTS.get_ptr_mut(number)?;
    // SAFETY: a valid pointer into the map; the first field is changed by atomic operations, and
    // the others by who has made it his own.
    unsafe {
        let held = &raw mut (*place).held_until_ns;
        let was = core::ptr::read_volatile(held);
        if was > now_ns || !atomic::replace(held, was, slot.held_until_ns) {
            return None;
        }
        if was != 0 {
            give_back_bytes((*place).length);
        }
        (*place).entered_ns = slot.entered_ns;
        (*place).due_ns = slot.due_ns;
        (*place).ifindex = slot.ifindex;
        (*place).length = slot.length;
        (*place).mark = slot.mark;
        (*place).priority = slot.priority;
        (*place).hash = slot.hash;
        (*place).marks = slot.marks;
        (*place).flags = slot.flags;
    }
    Some(())
}

/// The slot of a packet in the lane; `None` for a number that isn't in use.
#[inline(always)]
pub(crate) fn slot(number: u16) -> Option<&'static LaneSlot> {
    LANE_SLOTS
        .get(u32::from(number))
        .filter(|slot| slot.held_until_ns != 0)
}

/// Makes a slot free again.
#[inline(always)]
pub(crate) fn release(number: u16) {
    if let Some(place) = LANE_SLOTS.get_ptr_mut(u32::from(number)) {
        // SAFETY: a valid pointer into the map; the slot is the caller's until the write.
        unsafe {
            give_back_bytes((*place).length);
            core::ptr::write_volatile(&raw mut (*place).held_until_ns, 0);
        }
    }
}

#[inline(always)]
fn give_back_bytes(length: u32) {
    if let Some(bytes) = LANE.get_ptr_mut(word::BYTES) {
        // SAFETY: a valid, aligned pointer into the map, changed by atomic operations only.
        unsafe { atomic::fetch_add(bytes, u64::from(length).wrapping_neg()) };
    }
}

/// Whether waiting packets are to go on at once. They are, too, where it can't be read.
#[inline(always)]
pub(crate) fn lets_go() -> bool {
    LANE.get(word::LET_GO).is_none_or(|&word| {
        // SAFETY: a pointer into a map; user space may write it at any time.
        unsafe { core::ptr::read_volatile(&word) != 0 }
    })
}

/// Counts how long a packet waited that has stayed until it was due.
#[inline(always)]
pub(crate) fn record(entered_ns: u64, due_ns: u64, now_ns: u64) {
    record_one(wait::REQUESTED, due_ns.saturating_sub(entered_ns));
    record_one(wait::MEASURED, now_ns.saturating_sub(entered_ns));
    record_one(wait::LATENESS, now_ns.saturating_sub(due_ns));
}

#[inline(always)]
fn record_one(of: u32, ns: u64) {
    let bucket = bucket_of(ns / 1_000);
    if let Some(buckets) = LANE_WAITS.get_ptr_mut(of) {
        // SAFETY: `bucket_of` stays below the array's length, and this CPU alone writes it.
        unsafe {
            if let Some(count) = (*buckets).counts.get_mut(bucket) {
                *count += 1;
            }
        }
    }
}
