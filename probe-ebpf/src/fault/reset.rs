//! TCP connections are reset, at both ends.
//!
//! The packet itself becomes the reset that the receiver gets: it has the sequence number that is
//! expected there (RFC 5961 asks for no less), and data on a reset is ignored. A copy of it,
//! turned around, is the one that the sender gets: addresses, ports, and sequence and
//! acknowledgement numbers change places, which no checksum notices.

use aya_ebpf::helpers::generated::{bpf_clone_redirect, bpf_l4_csum_replace, bpf_skb_store_bytes};
use probe_common::{
    address::protocol,
    random,
    rule::{FaultRule, direction},
};
use probe_ebpf::packet::tcp_flag;

use super::{Case, Touch, size::Size, turn_back};
use crate::skb::Skb;

const ACK: u8 = 0x10;
const BPF_F_INGRESS: u64 = 1;
/// Where things lie in a TCP header.
const SEQUENCE_AT: u32 = 4;
const FLAGS_AT: u32 = 12;
const CHECKSUM_AT: u32 = 16;

#[inline(always)]
pub(super) fn touch(skb: &Skb, rule: &FaultRule, size: Size, draw: u64, case: &mut Case) -> Touch {
    if case.protocol != u32::from(protocol::TCP) || case.later_fragment != 0 {
        return Touch::Passed;
    }
    if !random::hits(draw, size.of_share(rule.probability)) {
        return Touch::Passed;
    }
    match reset(skb, case) {
        Ok(true) => {
            case.turned_back = 1;
            Touch::Reset
        }
        Ok(false) => Touch::Passed,
        Err(()) => Touch::Failed,
    }
}

/// Makes the packet a reset for its sender, sending one on to its receiver; tells whether there
/// was anything to reset.
#[inline(always)]
fn reset(skb: &Skb, case: &Case) -> Result<bool, ()> {
    let mut head = [0u8; 10];
    // SAFETY: room for the ten bytes from the sequence number to the flags.
    unsafe { skb.load(case.transport + SEQUENCE_AT, head.as_mut_ptr(), 10)? };
    let flags = head[9];
    if flags & tcp_flag::RST != 0 {
        return Ok(false);
    }
    let offset = head[8];
    replace_pair(
        skb,
        case,
        FLAGS_AT,
        [offset, flags],
        [offset, tcp_flag::RST | ACK],
    )?;
    if flags & ACK != 0 {
        send_on(skb, case)?;
    }
    turn_back::turn(skb, case)?;
    let sequence = [head[0], head[1], head[2], head[3]];
    let acknowledged = [head[4], head[5], head[6], head[7]];
    store(skb, case.transport + SEQUENCE_AT, &acknowledged)?;
    store(skb, case.transport + SEQUENCE_AT + 4, &sequence)?;
    if flags & ACK == 0 {
        // A connection being made is only reset by who acknowledges the very SYN.
        acknowledge_syn(skb, case, sequence)?;
    }
    Ok(true)
}

/// Sends a copy on the packet's way, marked so that it isn't looked at again.
#[inline(always)]
fn send_on(skb: &Skb, case: &Case) -> Result<(), ()> {
    let flags = if case.way == direction::INGRESS {
        BPF_F_INGRESS
    } else {
        0
    };
    let marks = skb.marks();
    skb.set_marks(marks | case.mark as u16);
    // SAFETY: a helper call on the context the kernel gave.
    let code = unsafe { bpf_clone_redirect(skb.raw(), skb.ifindex(), flags) };
    skb.set_marks(marks);
    if code == 0 { Ok(()) } else { Err(()) }
}

#[inline(always)]
fn acknowledge_syn(skb: &Skb, case: &Case, sequence: [u8; 4]) -> Result<(), ()> {
    let next = u32::from_be_bytes(sequence).wrapping_add(1).to_be_bytes();
    let at = SEQUENCE_AT + 4;
    replace_pair(
        skb,
        case,
        at,
        [sequence[0], sequence[1]],
        [next[0], next[1]],
    )?;
    replace_pair(
        skb,
        case,
        at + 2,
        [sequence[2], sequence[3]],
        [next[2], next[3]],
    )
}

/// Replaces two bytes of the TCP header, at an even offset, and what the checksum makes of them.
#[inline(always)]
fn replace_pair(skb: &Skb, case: &Case, at: u32, was: [u8; 2], to: [u8; 2]) -> Result<(), ()> {
    store(skb, case.transport + at, &to)?;
    let checksum = case.transport + CHECKSUM_AT;
    let (was, to) = (
        u64::from(u16::from_ne_bytes(was)),
        u64::from(u16::from_ne_bytes(to)),
    );
    // SAFETY: a helper call on the context the kernel gave.
    let code = unsafe { bpf_l4_csum_replace(skb.raw().cast(), checksum, was, to, 2) };
    if code == 0 { Ok(()) } else { Err(()) }
}

#[inline(always)]
fn store<const N: usize>(skb: &Skb, at: u32, bytes: &[u8; N]) -> Result<(), ()> {
    // SAFETY: a helper call on the context the kernel gave; `bytes` outlives it.
    let code =
        unsafe { bpf_skb_store_bytes(skb.raw().cast(), at, bytes.as_ptr().cast(), N as u32, 0) };
    if code == 0 { Ok(()) } else { Err(()) }
}
