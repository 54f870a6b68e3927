//! The ring buffer that DNS answers leave through.

use aya_ebpf::{
    macros::map,
    maps::{RingBuf, ring_buf::RingBufEntry},
};
use probe_common::overheard::DnsMessage;

/// Some 120 answers, of which user space takes those that there are fifty times a second.
const RING_BYTES: u32 = 128 << 10;

#[map(name = "PROBE_DNS")]
static OVERHEARD: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

#[inline(always)]
pub(crate) fn reserve() -> Option<RingBufEntry<DnsMessage>> {
    OVERHEARD.reserve(0)
}
