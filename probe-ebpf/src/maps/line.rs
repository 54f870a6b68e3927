//! The way into the delay line and out of it.

use aya_ebpf::{helpers::bpf_get_smp_processor_id, macros::map, maps::Array};
use probe_common::line::{MAX_CPUS, MAX_WAYS, SLOTS, Slot, Way, read_until};

use super::BPF_F_MMAPABLE;

#[map(name = "PROBE_SLOTS")]
static LINE_SLOTS: Array<Slot> = Array::with_max_entries(SLOTS, BPF_F_MMAPABLE);
#[map(name = "PROBE_CURSORS")]
static LINE_CURSORS: Array<u64> = Array::with_max_entries(MAX_CPUS, 0);
#[map(name = "PROBE_LINEREAD")]
static READ_UNTIL: Array<u64> = Array::with_max_entries(read_until::COUNT, BPF_F_MMAPABLE);
#[map(name = "PROBE_WAYS")]
static WAYS: Array<Way> = Array::with_max_entries(MAX_WAYS, 0);

/// Why a packet got no slot.
pub(crate) enum NoSlot {
    /// The next one's packet may not have been read yet.
    Taken,
    /// A map isn't as it should be.
    Failed,
}

/// Writes a slot of this CPU's block and gives its number. It stays as it is until user space has
/// read it, or something that came after its packet: then that was dropped on its way.
#[inline(always)]
pub(crate) fn fill_slot(slot: Slot, slots_per_cpu: u32) -> Result<u16, NoSlot> {
    // SAFETY: a helper call without arguments.
    let block = unsafe { bpf_get_smp_processor_id() } % MAX_CPUS;
    let cursor = LINE_CURSORS.get_ptr_mut(block).ok_or(NoSlot::Failed)?;
    // SAFETY: a valid, aligned pointer into the map.
    let next = place(block, unsafe { cursor.read_volatile() }, slots_per_cpu);
    let next = LINE_SLOTS.get_ptr_mut(next).ok_or(NoSlot::Failed)?;
    // SAFETY: a valid pointer into the map.
    let held_since_ns = unsafe { (*next).entered_ns };
    if held_since_ns > read_until(read_until::BLOCK + block)
        && held_since_ns > read_until(read_until::EMPTY)
    {
        return Err(NoSlot::Taken);
    }
    // SAFETY: a valid, aligned pointer into the map, only ever changed by this. Another CPU can
    // only have been here meanwhile where there are more of them than blocks.
    let taken = unsafe { crate::atomic::fetch_add(cursor, 1) };
    let number = place(block, taken, slots_per_cpu);
    let ours = LINE_SLOTS.get_ptr_mut(number).ok_or(NoSlot::Failed)?;
    // SAFETY: a valid pointer into the map; user space reads the slot only once it has the
    // packet, which is after this.
    unsafe { *ours = slot };
    Ok(number as u16)
}

/// Which slot a block's cursor means. How many there are to a block is a power of two, and so is
/// the number of all.
#[inline(always)]
fn place(block: u32, cursor: u64, slots_per_cpu: u32) -> u32 {
    (block * slots_per_cpu + (cursor as u32 & slots_per_cpu.wrapping_sub(1))) & (SLOTS - 1)
}

#[inline(always)]
fn read_until(index: u32) -> u64 {
    READ_UNTIL
        .get_ptr(index)
        // SAFETY: a valid, aligned pointer into the map; user space writes whole words.
        .map_or(0, |at| unsafe { at.read_volatile() })
}

/// Where packets with a tag go on; `None` for a tag that isn't in use.
#[inline(always)]
pub(crate) fn way(tag: u16) -> Option<Way> {
    WAYS.get(u32::from(tag))
        .copied()
        .filter(|way| way.ifindex != 0)
}
