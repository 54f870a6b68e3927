//! Connections that count against limits, each once a rule.

use aya_ebpf::{macros::map, maps::HashMap};
use probe_common::rule::{CountedKey, MAX_COUNTED};

#[map(name = "PROBE_COUNTED")]
static COUNTED: HashMap<CountedKey, u8> = HashMap::with_max_entries(MAX_COUNTED, 0);

/// `BPF_NOEXIST`: only where there is none of that key.
const IF_MISSING: u64 = 1;

/// Whether it counts already.
#[inline(always)]
pub(crate) fn has(key: &CountedKey) -> bool {
    COUNTED.get_ptr(key).is_some()
}

/// Lets it count; tells whether it didn't before, and there was room.
#[inline(always)]
pub(crate) fn add(key: &CountedKey) -> bool {
    COUNTED.insert(key, 1, IF_MISSING).is_ok()
}

/// Lets it count no more; tells whether it did. Of several that ask at once, one is told so.
#[inline(always)]
pub(crate) fn remove(key: &CountedKey) -> bool {
    COUNTED.remove(key).is_ok()
}
