//! Which rules a packet falls under.
//!
//! Endpoints are kept in one hash, each masked by its shape (prefix length, with or without port
//! and protocol): tuple space search, as Srinivasan, Suri and Varghese describe it (SIGCOMM
//! 1999). A packet costs a look-up for each shape in use, however many endpoints there are.

use probe_common::{
    connection::{self, End, Hashes},
    rule::{EndpointKey, MAX_SHAPES, PlanHeader, Target, direction},
};
use probe_ebpf::packet::Packet;

use crate::maps::plan;

/// The far side of a packet.
#[inline(always)]
pub(crate) fn far_side(packet: &Packet, way: u32) -> EndpointKey {
    let (address, port) = if way == direction::EGRESS {
        (packet.destination, packet.destination_port)
    } else {
        (packet.source, packet.source_port)
    };
    EndpointKey {
        address,
        port,
        protocol: packet.protocol,
        pad: 0,
    }
}

/// The target that the far side falls under by one of the plan's shapes. A function of its own,
/// because the key it looks up by would otherwise lie on the stack once for every shape.
#[inline(never)]
pub(crate) fn target(
    header: &PlanHeader,
    shape: u32,
    far_side: &EndpointKey,
) -> Option<&'static Target> {
    let shape = header.shapes.get(shape as usize)?;
    plan::target(&shape.apply(far_side))
}

/// The first target that the far side falls under, and by which shape.
#[inline(always)]
pub(crate) fn first_target(
    header: &PlanHeader,
    far_side: &EndpointKey,
) -> Option<(&'static Target, u32)> {
    (0..MAX_SHAPES as u32)
        .take_while(|&shape| shape < header.shape_count)
        .find_map(|shape| Some((target(header, shape, far_side)?, shape)))
}

/// Hashes a packet's ends.
#[inline(always)]
pub(crate) fn hashes(packet: &Packet) -> Hashes {
    let from = End {
        address: packet.source,
        port: packet.source_port,
    };
    let to = End {
        address: packet.destination,
        port: packet.destination_port,
    };
    connection::hashes(&from, &to, packet.protocol)
}
