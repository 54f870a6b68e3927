//! Whose traffic the near side's is: processes, sockets, connections and local ports. Filled by
//! user space from what is there already, and by the programs from what comes.

use aya_ebpf::{
    macros::map,
    maps::{HashMap, LruHashMap},
};
use probe_common::rule::{MAX_NEAR, NearPort};

#[map(name = "PROBE_NEARPID")]
static PIDS: HashMap<u32, u8> = HashMap::with_max_entries(MAX_NEAR, 0);
#[map(name = "PROBE_NEARSOCK")]
static SOCKETS: LruHashMap<u64, u8> = LruHashMap::with_max_entries(MAX_NEAR, 0);
#[map(name = "PROBE_NEARCON")]
static CONNECTIONS: LruHashMap<u64, u8> = LruHashMap::with_max_entries(MAX_NEAR, 0);
#[map(name = "PROBE_NEARPORT")]
static PORTS: HashMap<NearPort, u8> = HashMap::with_max_entries(MAX_NEAR, 0);

/// Whether a process is one of the near side's, by its id.
#[inline(always)]
pub(crate) fn has_process(pid: u32) -> bool {
    PIDS.get_ptr(pid).is_some()
}

#[inline(always)]
pub(crate) fn has_socket(cookie: u64) -> bool {
    SOCKETS.get_ptr(cookie).is_some()
}

#[inline(always)]
pub(crate) fn note_socket(cookie: u64) {
    if !has_socket(cookie) {
        let _ = SOCKETS.insert(cookie, 1, 0);
    }
}

#[inline(always)]
pub(crate) fn has_connection(hash: u64) -> bool {
    CONNECTIONS.get_ptr(hash).is_some()
}

#[inline(always)]
pub(crate) fn note_connection(hash: u64) {
    if !has_connection(hash) {
        let _ = CONNECTIONS.insert(hash, 1, 0);
    }
}

#[inline(always)]
pub(crate) fn forget_connection(hash: u64) {
    if has_connection(hash) {
        let _ = CONNECTIONS.remove(hash);
    }
}

#[inline(always)]
pub(crate) fn has_port(port: NearPort) -> bool {
    PORTS.get_ptr(port).is_some()
}
