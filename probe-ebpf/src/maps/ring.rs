//! The ring buffer that events leave through.

use aya_ebpf::{
    macros::map,
    maps::{RingBuf, ring_buf::RingBufEntry},
};

/// Eight MiB: half a second of 100,000 events a second.
const RING_BYTES: u32 = 8 << 20;

#[map(name = "PROBE_EVENTS")]
static EVENTS: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

#[inline(always)]
pub(crate) fn reserve<T: 'static>() -> Option<RingBufEntry<T>> {
    EVENTS.reserve::<T>(0)
}
