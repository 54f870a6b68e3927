//! The way into the delay line and out of it.

use aya_ebpf::{helpers::bpf_get_smp_processor_id, macros::map, maps::Array};
use probe_common::line::{MAX_CPUS, MAX_WAYS, SLOTS, Slot, Way};

/// Flag of array maps that user space may map into its memory.
const BPF_F_MMAPABLE: u32 = 1 << 10;

#[map(name = "PROBE_SLOTS")]
static LINE_SLOTS: Array<Slot> = Array::with_max_entries(SLOTS, BPF_F_MMAPABLE);
#[map(name = "PROBE_CURSORS")]
static LINE_CURSORS: Array<u64> = Array::with_max_entries(MAX_CPUS, 0);
#[map(name = "PROBE_WAYS")]
static WAYS: Array<Way> = Array::with_max_entries(MAX_WAYS, 0);

/// Writes a slot of this CPU's block and gives its number; it stays as it is for as many packets
/// more as the block has slots.
#[inline(always)]
pub(crate) fn fill_slot(slot: Slot, slots_per_cpu: u32) -> Option<u16> {
    // SAFETY: a helper call without arguments.
    let block = unsafe { bpf_get_smp_processor_id() } % MAX_CPUS;
    let cursor = LINE_CURSORS.get_ptr_mut(block)?;
    // SAFETY: a valid, aligned pointer into the map, only ever changed by this.
    let taken = unsafe { crate::atomic::fetch_add(cursor, 1) };
    // A power of two, and so is the number of all slots.
    let number = block * slots_per_cpu + (taken as u32 & slots_per_cpu.wrapping_sub(1));
    let place = LINE_SLOTS.get_ptr_mut(number & (SLOTS - 1))?;
    // SAFETY: a valid pointer into the map; user space reads the slot only once it has the
    // packet, which is after this.
    unsafe { *place = slot };
    Some(number as u16)
}

/// Where packets with a tag go on; `None` for a tag that isn't in use.
#[inline(always)]
pub(crate) fn way(tag: u16) -> Option<Way> {
    WAYS.get(u32::from(tag))
        .copied()
        .filter(|way| way.ifindex != 0)
}
