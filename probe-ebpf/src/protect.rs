//! What no fault touches: the connections that probe was started over, what keeps the host
//! reachable, and what the user put on the list. Asked once for each packet that met a target.

use probe_common::{
    address::Address,
    protect::{MAX_PROTECTED_SHAPES, ProtectedKey, kind, port},
    rule::EndpointKey,
};
use probe_ebpf::packet::{Packet, is_dhcp, is_neighbour_discovery};

use crate::maps::protect;

/// Whether a packet is on the list, at either of its ends: one or zero. For a connection that
/// is only being asked for, the near end may be left all zero.
///
/// A global function, verified by itself, with a stack of its own: where it is called from there
/// is no room for its keys.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn probe_is_protected(packet: *const Packet) -> u32 {
    // SAFETY: the caller's own; the verifier makes sure that it is one, or nothing.
    let Some(packet) = (unsafe { packet.as_ref() }) else {
        return 1;
    };
    // A list that can't be read may hold anything.
    let Some(header) = protect::header() else {
        return 1;
    };
    let is_kind = is_neighbour_discovery(packet)
        && header.faultable & kind::NEIGHBOUR_DISCOVERY == 0
        || is_dhcp(packet) && header.faultable & kind::DHCP == 0;
    let ports = protect::port(packet.source_port) | protect::port(packet.destination_port);
    if is_kind || ports & port::PROTECTED != 0 {
        return 1;
    }
    if ports & port::LOOK == 0 && header.look_always == 0 {
        return 0;
    }
    // One key for every look-up: there is little stack left.
    let mut key = ProtectedKey {
        from: source(packet),
        to: destination(packet),
    };
    if protect::has(&key) {
        return 1;
    }
    key.to = NO_END;
    for index in 0..MAX_PROTECTED_SHAPES {
        if index as u32 >= header.shape_count {
            break;
        }
        let shape = &header.shapes[index];
        key.from = shape.apply(&source(packet));
        if protect::has(&key) {
            return 1;
        }
        key.from = shape.apply(&destination(packet));
        if protect::has(&key) {
            return 1;
        }
    }
    0
}

/// What an endpoint has for its other end.
const NO_END: EndpointKey = EndpointKey {
    address: Address::from_u32s([0; 4]),
    port: 0,
    protocol: 0,
    pad: 0,
};

#[inline(always)]
fn source(packet: &Packet) -> EndpointKey {
    EndpointKey {
        address: packet.source,
        port: packet.source_port,
        protocol: packet.protocol,
        pad: 0,
    }
}

#[inline(always)]
fn destination(packet: &Packet) -> EndpointKey {
    EndpointKey {
        address: packet.destination,
        port: packet.destination_port,
        protocol: packet.protocol,
        pad: 0,
    }
}
