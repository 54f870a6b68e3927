//! The list of what no fault touches. Written by user space only, before anything is armed.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap},
};
use probe_common::protect::{MAX_PROTECTED, PORT_WORDS, ProtectHeader, ProtectedKey, place};

#[map(name = "PROBE_PROTECT")]
static PROTECT: Array<ProtectHeader> = Array::with_max_entries(1, 0);
#[map(name = "PROBE_PROTPORT")]
static PROTECTED_PORTS: Array<u32> = Array::with_max_entries(PORT_WORDS, 0);
#[map(name = "PROBE_PROTENDS")]
static PROTECTED_ENDS: HashMap<ProtectedKey, u32> = HashMap::with_max_entries(MAX_PROTECTED, 0);

#[inline(always)]
pub(crate) fn header() -> Option<&'static ProtectHeader> {
    PROTECT.get(0)
}

/// What the list has on a port: bits of [`probe_common::protect::port`].
#[inline(always)]
pub(crate) fn port(port: u16) -> u32 {
    let (word, shift) = place(port);
    PROTECTED_PORTS
        .get(word)
        .map_or(0, |bits| bits >> shift & 3)
}

/// Whether an endpoint or a connection is on the list.
#[inline(always)]
pub(crate) fn has(key: &ProtectedKey) -> bool {
    // SAFETY: only whether there is a value is looked at.
    unsafe { PROTECTED_ENDS.get(key) }.is_some()
}
