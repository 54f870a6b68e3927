//! TCP connections are reset, at both ends.
//!
//! The packet becomes the reset that the receiver gets: it has the sequence number that is
//! expected there (RFC 5961 asks for no less). A copy of it, turned around, is the one that the
//! sender gets. Each is what a stack would send: a header without options, and no data.

mod bare;
mod plain;

use probe_common::{
    address::protocol,
    random,
    rule::{FaultRule, direction},
};
use probe_ebpf::packet::tcp_flag;

use self::bare::Bare;
use super::{Case, Touch, size::Size, turn_back};
use crate::skb::Skb;

const ACK: u8 = 0x10;
/// Where a TCP header has its flags.
const FLAGS_AT: u32 = 13;

#[inline(always)]
pub(super) fn touch(
    skb: &Skb,
    index: u32,
    rule: &FaultRule,
    size: Size,
    draw: u64,
    case: &mut Case,
) -> Touch {
    if case.protocol != u32::from(protocol::TCP) || case.later_fragment != 0 {
        return Touch::Passed;
    }
    if !random::hits(draw, size.of_share(rule.probability)) {
        return Touch::Passed;
    }
    let Ok(flags) = flags_of(skb, case) else {
        return Touch::Failed;
    };
    if flags & tcp_flag::RST != 0 {
        return Touch::Passed;
    }
    case.turn_back(index, turn_back::RESET);
    Touch::Reset
}

/// The flags of a segment.
#[inline(always)]
fn flags_of(skb: &Skb, case: &Case) -> Result<u8, ()> {
    if turn_back::is_plain(case) {
        return plain::read(skb);
    }
    let mut flags = 0u8;
    // SAFETY: room for the one byte.
    unsafe { skb.load(case.transport + FLAGS_AT, &raw mut flags, 1)? };
    Ok(flags)
}

/// Makes the packet a reset for its sender, sending one on to its receiver.
#[inline(always)]
pub(super) fn carry_out(skb: &Skb, case: &Case) -> Result<(), ()> {
    if turn_back::is_plain(case) && plain::flags() & (ACK | tcp_flag::SYN) == ACK {
        return plain::carry_out(skb, case);
    }
    let mut head = [0u8; 14];
    // SAFETY: room for a TCP header up to its flags.
    unsafe { skb.load(case.transport, head.as_mut_ptr(), 14)? };
    let flags = head[13];
    let sequence = [head[4], head[5], head[6], head[7]];
    let acknowledged = [head[8], head[9], head[10], head[11]];
    let mut bare = Bare {
        ports: [head[0], head[1], head[2], head[3]],
        sequence,
        acknowledged,
        flags: tcp_flag::RST | ACK,
    };
    bare::cut(skb, case)?;
    // Who gets a SYN knows of no connection yet.
    if flags & ACK != 0 {
        bare.write(skb, case)?;
        skb.send_copy(case.way == direction::INGRESS, case.mark as u16)?;
    }
    turn_back::turn(skb, case)?;
    bare.ports = [head[2], head[3], head[0], head[1]];
    bare.sequence = acknowledged;
    // A connection being made is only reset by who acknowledges the very SYN.
    let syn = u32::from(flags & tcp_flag::SYN != 0);
    bare.acknowledged = u32::from_be_bytes(sequence).wrapping_add(syn).to_be_bytes();
    bare.write(skb, case)
}
