//! Room for what is read of a packet: more than fits on the stack.

use aya_ebpf::{macros::map, maps::PerCpuArray};

/// How much of a DNS question is read: the longest name, and what follows it, fit. A power of two.
pub(crate) const QUESTION_BYTES: usize = 512;
/// Length of a DNS message's header.
pub(crate) const DNS_HEADER: usize = 12;

/// One at a time: a DNS message, or other bytes of the packet.
#[repr(C)]
pub(crate) struct Room {
    /// How long the question's name is, the dot in front included.
    pub(crate) length: u32,
    /// The message's header.
    pub(crate) header: [u8; DNS_HEADER],
    /// The name, and what follows; or whatever it is.
    pub(crate) bytes: [u8; QUESTION_BYTES],
}

#[map(name = "PROBE_ROOM")]
static ROOM: PerCpuArray<Room> = PerCpuArray::with_max_entries(1, 0);

/// This CPU's.
#[inline(always)]
pub(crate) fn room() -> Option<&'static mut Room> {
    let room = ROOM.get_ptr_mut(0)?;
    // SAFETY: a pointer into this CPU's value; programs don't preempt each other on a CPU between
    // what is read and the last look at it.
    Some(unsafe { &mut *room })
}
