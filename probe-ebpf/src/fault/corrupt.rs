//! One bit of a packet flips.
//!
//! On the wire, the checksum no longer fits. A packet that this host made may have no checksum
//! yet (the network card, or a virtual one that never does, would add it), and on its way
//! between namespaces nobody would notice; so the delay line finishes the checksum in user
//! space, flips the bit behind it, and sends the packet on as one that has to be verified.
//!
//! In the payload, the bit flips here and the checksum is mended, so that the application gets
//! it.

use aya_ebpf::helpers::generated::{bpf_l4_csum_replace, bpf_skb_store_bytes};
use probe_common::{address::protocol, line::FLAG_CORRUPT, random, rule::FaultRule};

use super::{Case, Touch, size::Size};
use crate::skb::Skb;

/// `bpf_l4_csum_replace` flags: the size of what changed, and UDP's rule that a checksum of
/// zero means none.
const CSUM_SIZE: u64 = 2;
const BPF_F_MARK_MANGLED_0: u64 = 1 << 5;

#[inline(always)]
pub(super) fn touch_wire(
    index: u32,
    rule: &FaultRule,
    size: Size,
    draw: u64,
    case: &mut Case,
) -> Touch {
    if !random::hits(draw, size.of_share(rule.probability)) {
        return Touch::Passed;
    }
    if case.line_ifindex == 0 {
        return Touch::Failed;
    }
    case.line_flags |= u32::from(FLAG_CORRUPT);
    case.random = draw as u8 as u32;
    case.into_line(index);
    Touch::Corrupted
}

#[inline(always)]
pub(super) fn touch_payload(
    skb: &Skb,
    rule: &FaultRule,
    size: Size,
    draw: u64,
    case: &Case,
) -> Touch {
    if !random::hits(draw, size.of_share(rule.probability)) {
        return Touch::Passed;
    }
    let Some((payload, checksum, flags)) = payload_of(skb, case) else {
        return Touch::Passed;
    };
    let length = case.length.saturating_sub(payload);
    if length == 0 {
        return Touch::Passed;
    }
    let at = payload + ((draw as u32 as u64 * u64::from(length)) >> 32) as u32;
    let place = Place {
        at,
        odd: (at - case.transport) % 2 != 0,
        checksum,
        flags,
    };
    match flip(skb, &place, 1 << (draw >> 29 & 7)) {
        Ok(()) => Touch::Corrupted,
        Err(()) => Touch::Failed,
    }
}

/// Where the payload begins, where its checksum lies, and how that one is replaced. Read by
/// helper: so far into the packet, the verifier can't follow direct reads.
#[inline(always)]
fn payload_of(skb: &Skb, case: &Case) -> Option<(u32, u32, u64)> {
    if case.later_fragment != 0 {
        return None;
    }
    let transport = case.transport;
    match case.protocol as u8 {
        protocol::TCP => {
            let mut offset = 0u8;
            // SAFETY: room for the one byte.
            unsafe { skb.load(transport + 12, &raw mut offset, 1) }.ok()?;
            Some((
                transport + u32::from(offset >> 4) * 4,
                transport + 16,
                CSUM_SIZE,
            ))
        }
        // Over IPv4, a UDP checksum of zero means that there is none: it stays so.
        protocol::UDP => Some((
            transport + 8,
            transport + 6,
            CSUM_SIZE | BPF_F_MARK_MANGLED_0,
        )),
        _ => None,
    }
}

/// Which byte flips, and the checksum that covers it.
struct Place {
    at: u32,
    /// Whether it is the second of a pair, counted from the transport header, as the checksum
    /// sums them.
    odd: bool,
    checksum: u32,
    flags: u64,
}

#[inline(always)]
fn flip(skb: &Skb, place: &Place, bit: u8) -> Result<(), ()> {
    let mut byte = 0u8;
    // SAFETY: room for the one byte.
    unsafe { skb.load(place.at, &raw mut byte, 1)? };
    let flipped = byte ^ bit;
    let pair = |byte: u8| {
        u64::from(u16::from_ne_bytes(if place.odd {
            [0, byte]
        } else {
            [byte, 0]
        }))
    };
    let raw = skb.raw().cast();
    // SAFETY: helper calls on the context the kernel gave; `flipped` outlives its call. Packets
    // whose whole checksum the card has summed stay true: payload and checksum cancel out.
    unsafe {
        if bpf_skb_store_bytes(raw, place.at, (&raw const flipped).cast(), 1, 0) != 0 {
            return Err(());
        }
        if bpf_l4_csum_replace(raw, place.checksum, pair(byte), pair(flipped), place.flags) != 0 {
            return Err(());
        }
    }
    Ok(())
}
