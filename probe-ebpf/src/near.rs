//! Whose traffic it is. A packet that goes out has its socket; one that comes in has none yet,
//! and is told by the connection that one going out was seen of, or by a local port that nobody
//! but the near side has.

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::{
        bpf_get_current_comm, bpf_get_current_pid_tgid,
        generated::{
            bpf_get_current_ancestor_cgroup_id, bpf_get_socket_cookie, bpf_skb_ancestor_cgroup_id,
        },
    },
};
use probe_common::{
    address::protocol,
    rule::{NearPort, PlanHeader, direction, near},
};
use probe_ebpf::packet::Packet;

use crate::{
    maps::{near as known, plan},
    select,
};

/// Whether a packet is the near side's: one or zero. A function that the verifier checks by
/// itself; without a near side it isn't called.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn probe_is_near(
    raw: *mut __sk_buff,
    packet: *const Packet,
    way: u32,
) -> u32 {
    // SAFETY: the caller's own; the verifier makes sure that it is a packet, or nothing.
    let (Some(packet), Some(header)) = (unsafe { packet.as_ref() }, plan::header()) else {
        return 0;
    };
    let is_outgoing = way == direction::EGRESS;
    let has_ports =
        matches!(packet.protocol, protocol::TCP | protocol::UDP) && !packet.later_fragment;
    if is_outgoing && owns_socket_of(raw, header) {
        if has_ports {
            known::note_connection(select::hashes(packet).connection);
        }
        return 1;
    }
    if !has_ports {
        return 0;
    }
    let port = NearPort {
        port: if is_outgoing {
            packet.source_port
        } else {
            packet.destination_port
        },
        protocol: u16::from(packet.protocol),
    };
    if known::has_port(port) {
        return 1;
    }
    let connection = select::hashes(packet).connection;
    // SAFETY: a helper call on the context the kernel gave.
    if is_outgoing && unsafe { bpf_get_socket_cookie(raw.cast()) } != 0 {
        // Somebody else has the same ports now.
        known::forget_connection(connection);
        return 0;
    }
    u32::from(known::has_connection(connection))
}

/// Whether the socket that sent a packet is the near side's.
#[inline(always)]
fn owns_socket_of(raw: *mut __sk_buff, header: &PlanHeader) -> bool {
    if header.near_kind == near::CGROUP {
        // SAFETY: a helper call on the context the kernel gave.
        let ancestor = unsafe { bpf_skb_ancestor_cgroup_id(raw, header.near_cgroup_level as i32) };
        return ancestor == header.near_id;
    }
    // SAFETY: as above.
    known::has_socket(unsafe { bpf_get_socket_cookie(raw.cast()) })
}

/// Whether the process that is running is one of the near side's.
///
/// By name only a process's first thread is told: others have names of their own. Theirs is told
/// by its id, which user space learns.
#[inline(always)]
pub(crate) fn is_current(header: &PlanHeader) -> bool {
    if header.near_kind == near::CGROUP {
        // SAFETY: a helper call without pointers.
        let ancestor =
            unsafe { bpf_get_current_ancestor_cgroup_id(header.near_cgroup_level as i32) };
        return ancestor == header.near_id;
    }
    let ids = bpf_get_current_pid_tgid();
    let (process, thread) = ((ids >> 32) as u32, ids as u32);
    if known::has_process(process) {
        return true;
    }
    process == thread
        && header.near_command[0] != 0
        && bpf_get_current_comm().is_ok_and(|name| words(&name) == words(&header.near_command))
}

/// A command name as words: compared so, and not by a call.
#[inline(always)]
fn words(name: &[u8; 16]) -> (u64, u64) {
    // SAFETY: sixteen bytes, of which any are two numbers; read wherever they lie.
    unsafe { name.as_ptr().cast::<(u64, u64)>().read_unaligned() }
}
