//! Per-flow state: packet numbers for the injector, turns of a conversation for the observer.

use aya_ebpf::{macros::map, maps::LruHashMap};
use probe_common::{
    flow::{Flow, MAX_FLOWS},
    rule::{FaultFlow, MAX_FAULT_FLOWS},
};

use super::{count_shared, counters};

/// Only where there is no such key.
const BPF_NOEXIST: u64 = 1;

#[map(name = "PROBE_FLTFLOW")]
static FAULT_FLOWS: LruHashMap<u64, FaultFlow> = LruHashMap::with_max_entries(MAX_FAULT_FLOWS, 0);
#[map(name = "PROBE_FLOWS")]
static FLOWS: LruHashMap<u64, Flow> = LruHashMap::with_max_entries(MAX_FLOWS, 0);
static EMPTY: Flow = Flow::EMPTY;

/// What a flow begins with. Not on the stack, which hasn't the room.
static NEW: FaultFlow = FaultFlow::NEW;

/// The injector's state of a flow under a rule, made where there is none.
#[inline(always)]
pub(crate) fn fault_flow(key: u64) -> Option<*mut FaultFlow> {
    if let Some(flow) = FAULT_FLOWS.get_ptr_mut(key) {
        return Some(flow);
    }
    let _ = FAULT_FLOWS.insert(key, &NEW, 0);
    FAULT_FLOWS.get_ptr_mut(key)
}

/// The observer's state of a connection.
#[inline(always)]
pub(crate) fn get(cookie: u64) -> Option<*mut Flow> {
    FLOWS.get_ptr_mut(cookie)
}

/// Begins to keep a connection's state: nothing is known of it yet.
#[inline(always)]
pub(crate) fn begin(cookie: u64) -> Option<*mut Flow> {
    // From memory of the object's own: on the stack it would take a third of what there is.
    if FLOWS.insert(cookie, &EMPTY, BPF_NOEXIST).is_ok() {
        count_shared!(counters::observer(), flows_created);
    } else {
        // A socket connects again.
        let _ = FLOWS.insert(cookie, &EMPTY, 0);
    }
    FLOWS.get_ptr_mut(cookie)
}

#[inline(always)]
pub(crate) fn forget(cookie: u64) {
    if FLOWS.remove(cookie).is_ok() {
        count_shared!(counters::observer(), flows_closed);
    }
}
