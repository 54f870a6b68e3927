//! Streams that wait for their answer.

use aya_ebpf::{macros::map, maps::LruHashMap};
use probe_common::framing::{MAX_STREAMS, Stream, StreamKey};

#[map(name = "PROBE_STREAMS")]
static STREAMS: LruHashMap<StreamKey, Stream> = LruHashMap::with_max_entries(MAX_STREAMS, 0);

#[inline(always)]
pub(crate) fn put(key: &StreamKey, stream: &Stream) {
    let _ = STREAMS.insert(key, stream, 0);
}

/// Whether a stream waits, or was given up before it came.
#[inline(always)]
pub(crate) fn is_known(key: &StreamKey) -> bool {
    STREAMS.get_ptr(key).is_some()
}

/// Takes a stream out: it waits no longer.
#[inline(always)]
pub(crate) fn take(key: &StreamKey) -> Option<Stream> {
    // SAFETY: copied at once; a stream is written whole, before its key is known to anybody.
    let stream = unsafe { STREAMS.get(key) }.copied()?;
    // Of two that ask at once, one is told so.
    STREAMS.remove(key).ok()?;
    Some(stream)
}
