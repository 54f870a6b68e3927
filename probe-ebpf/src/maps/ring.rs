//! The ring buffer that pieces of traffic leave through, and what finds its CPU's tray full.

use aya_ebpf::{
    macros::map,
    maps::{RingBuf, ring_buf::RingBufEntry},
};

/// Two MiB: 3,600 pieces of the largest kind, 16,000 of the smallest, as often as it is read. Who reads
/// has each byte in memory twice.
const RING_BYTES: u32 = 2 << 20;

/// What is asked of the ring: how many bytes wait to be read.
const BPF_RB_AVAIL_DATA: u64 = 0;

#[map(name = "PROBE_EVENTS")]
static EVENTS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

#[inline(always)]
pub(crate) fn reserve<T: 'static>() -> Option<RingBufEntry<T>> {
    EVENTS.reserve::<T>(0)
}

/// The same while less than half of the ring waits to be read. That is found out without its lock,
/// under which alone it is told that it is full.
#[inline(always)]
pub(crate) fn reserve_of_half<T: 'static>() -> Option<RingBufEntry<T>> {
    if EVENTS.query(BPF_RB_AVAIL_DATA) >= u64::from(RING_BYTES / 2) {
        return None;
    }
    reserve()
}
