//! Which rules a packet falls under.
//!
//! Endpoints are kept in one hash, each masked by its shape (prefix length, with or without port
//! and protocol): tuple space search, as Srinivasan, Suri and Varghese describe it (SIGCOMM
//! 1999). A packet costs a look-up for each shape in use, however many endpoints there are.

use probe_common::{
    random::mix,
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

/// The target that the far side falls under by one of the plan's shapes.
#[inline(always)]
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

/// A number that all packets of one connection in one direction share.
#[inline(always)]
pub(crate) fn flow_hash(packet: &Packet) -> u64 {
    let (from, to) = (packet.source.words(), packet.destination.words());
    let ends = u64::from(packet.source_port) << 32
        | u64::from(packet.destination_port) << 16
        | u64::from(packet.protocol);
    let mut hash = mix(from[0] ^ 0x9e37_79b9_7f4a_7c15);
    hash = mix(hash ^ from[1]);
    hash = mix(hash ^ to[0]);
    hash = mix(hash ^ to[1]);
    mix(hash ^ ends)
}
