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

/// Numbers that packets of one connection share.
#[derive(Clone, Copy)]
pub(crate) struct Hashes {
    /// In one direction.
    pub(crate) flow: u64,
    /// In both.
    pub(crate) connection: u64,
}

/// Hashes a packet's ends.
#[inline(always)]
pub(crate) fn hashes(packet: &Packet) -> Hashes {
    let end = |words: [u64; 2], port: u16| {
        mix(mix(words[0] ^ 0x9e37_79b9_7f4a_7c15) ^ words[1]).wrapping_add(mix(u64::from(port)))
    };
    let from = mix(end(packet.source.words(), packet.source_port));
    let to = mix(end(packet.destination.words(), packet.destination_port));
    let protocol = u64::from(packet.protocol);
    Hashes {
        flow: mix(from.wrapping_mul(3).wrapping_add(to) ^ protocol),
        connection: mix(from.wrapping_add(to) ^ protocol),
    }
}
