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
use probe_ebpf::packet::{Segment, Source};

use super::{Case, Touch};

/// `bpf_l4_csum_replace` flags: the size of what changed, and UDP's rule that a checksum of
/// zero means none.
const CSUM_SIZE: u64 = 2;
const BPF_F_MARK_MANGLED_0: u64 = 1 << 5;

#[inline(always)]
pub(super) fn touch_wire(index: u16, rule: &FaultRule, draw: u64, case: &mut Case) -> Touch {
    if !random::hits(draw, rule.probability) {
        return Touch::Passed;
    }
    if case.line_ifindex == 0 {
        return Touch::Failed;
    }
    case.line_flags |= FLAG_CORRUPT;
    case.random = draw as u16;
    case.into_line(index);
    Touch::Corrupted
}

#[inline(always)]
pub(super) fn touch_payload(rule: &FaultRule, draw: u64, case: &mut Case) -> Touch {
    if !random::hits(draw, rule.probability) {
        return Touch::Passed;
    }
    let Some((payload, checksum, flags)) = payload_of(case) else {
        return Touch::Passed;
    };
    let length = case.skb.len().saturating_sub(payload);
    if length == 0 {
        return Touch::Passed;
    }
    let at = payload + ((draw as u32 as u64 * u64::from(length)) >> 32) as u32;
    match flip(case, at, 1 << (draw >> 29 & 7), checksum, flags) {
        Ok(()) => Touch::Corrupted,
        Err(()) => Touch::Failed,
    }
}

/// Where the payload begins, where its checksum lies, and how that one is replaced.
#[inline(always)]
fn payload_of(case: &Case) -> Option<(u32, u32, u64)> {
    let transport = u32::from(case.packet.transport);
    match case.packet.protocol {
        protocol::TCP => {
            let segment = Segment::of(&case.skb, &case.packet)?;
            Some((u32::from(segment.payload), transport + 16, CSUM_SIZE))
        }
        protocol::UDP if !case.packet.later_fragment => {
            // Without a checksum there is nothing to mend, and nothing to be mended.
            case.skb.u16(usize::from(case.packet.transport) + 6)?;
            Some((
                transport + 8,
                transport + 6,
                CSUM_SIZE | BPF_F_MARK_MANGLED_0,
            ))
        }
        _ => None,
    }
}

#[inline(always)]
fn flip(case: &Case, at: u32, bit: u8, checksum: u32, flags: u64) -> Result<(), ()> {
    let mut byte = 0u8;
    // SAFETY: room for the one byte.
    unsafe { case.skb.load(at, &raw mut byte, 1)? };
    let flipped = byte ^ bit;
    // The checksum sums pairs of bytes, counted from the transport header.
    let pair = |byte: u8| {
        let even = (at - u32::from(case.packet.transport)) % 2 == 0;
        u64::from(u16::from_ne_bytes(if even { [byte, 0] } else { [0, byte] }))
    };
    let raw = case.skb.raw();
    // SAFETY: helper calls on the context the kernel gave; `flipped` outlives its call. Packets
    // whose whole checksum the card has summed stay true: payload and checksum cancel out.
    unsafe {
        if bpf_skb_store_bytes(raw.cast(), at, (&raw const flipped).cast(), 1, 0) != 0 {
            return Err(());
        }
        if bpf_l4_csum_replace(raw.cast(), checksum, pair(byte), pair(flipped), flags) != 0 {
            return Err(());
        }
    }
    Ok(())
}
