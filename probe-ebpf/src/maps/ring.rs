//! The ring buffer that events with a piece of traffic leave through.

use aya_ebpf::{
    macros::map,
    maps::{RingBuf, ring_buf::RingBufEntry},
};

/// Four MiB: 7,000 pieces of the largest kind, 32,000 of the smallest.
const RING_BYTES: u32 = 4 << 20;

#[map(name = "PROBE_EVENTS")]
static EVENTS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

#[inline(always)]
pub(crate) fn reserve<T: 'static>() -> Option<RingBufEntry<T>> {
    EVENTS.reserve::<T>(0)
}
