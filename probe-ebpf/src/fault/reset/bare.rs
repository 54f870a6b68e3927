//! A TCP segment that is a header without options and nothing else, in place of another.

use aya_ebpf::helpers::generated::{bpf_csum_update, bpf_l4_csum_replace};
use probe_common::address::protocol;

use super::super::Case;
use crate::{maps::room, skb::Skb};

const LENGTH: u32 = 20;
const CHECKSUM_AT: u32 = 16;
/// `bpf_l4_csum_replace` flag: it is the pseudo header that changed, which counts also where the
/// rest of the checksum is left to the card.
const BPF_F_PSEUDO_HDR: u64 = 1 << 4;

/// What such a segment says.
pub(super) struct Bare {
    pub(super) ports: [u8; 4],
    pub(super) sequence: [u8; 4],
    pub(super) acknowledged: [u8; 4],
    pub(super) flags: u8,
}

/// Cuts a packet off behind a header without options, and has its network header say so.
#[inline(always)]
pub(super) fn cut(skb: &Skb, case: &Case) -> Result<(), ()> {
    skb.cut(case.transport + LENGTH)?;
    let length = case.transport + LENGTH - case.network;
    if case.v6 != 0 {
        return skb.store_summed(case.network + 4, &(length as u16 - 40).to_be_bytes());
    }
    shorten(skb, case.network + 2, (length as u16).to_be())
}

/// How much of an IPv4 header lies between its length and its checksum, both included.
const LENGTH_TO_CHECKSUM: usize = 10;

/// Changes an IPv4 packet's length, which stands at `at`, and with it the header's checksum. What
/// the whole header sums up to stays the same.
#[inline(always)]
fn shorten(skb: &Skb, at: u32, length: u16) -> Result<(), ()> {
    let mut words = [0u16; LENGTH_TO_CHECKSUM / 2];
    // SAFETY: room for them.
    unsafe { skb.load(at, words.as_mut_ptr().cast(), LENGTH_TO_CHECKSUM as u32)? };
    let [was, .., checksum] = &mut words;
    *checksum = changed(*checksum, *was, length);
    *was = length;
    // SAFETY: as many bytes, which may lie anywhere.
    skb.store(at, unsafe {
        &*words.as_ptr().cast::<[u8; LENGTH_TO_CHECKSUM]>()
    })
}

/// A checksum where a word that it covers changed (RFC 1624, equation 3).
#[inline(always)]
pub(super) fn changed(checksum: u16, was: u16, to: u16) -> u16 {
    !folded(u64::from(!checksum) + u64::from(!was) + u64::from(to))
}

impl Bare {
    /// Writes it where the TCP header is, with its checksum: as far as the one that was there was
    /// finished, so is this.
    #[inline(always)]
    pub(super) fn write(&self, skb: &Skb, case: &Case) -> Result<(), ()> {
        let word = u32::from_ne_bytes;
        let header = [
            word(self.ports),
            word(self.sequence),
            word(self.acknowledged),
            word([5 << 4, self.flags, 0, 0]),
            // A checksum of all ones stands for zero, to be changed by what the packet sums up to.
            word([0xff, 0xff, 0, 0]),
        ];
        // SAFETY: as many bytes, which may lie anywhere.
        let bytes = unsafe { &*header.as_ptr().cast::<[u8; LENGTH as usize]>() };
        skb.store_summed(case.transport, bytes)?;
        let pseudo = pseudo_header(skb, case)?;
        let sum = folded(header.iter().map(|&it| u64::from(it)).sum());
        sum_up(skb, case, pseudo, sum)
    }
}

/// Has a checksum of all ones make up for what the packet sums up to, besides the segment and in it.
#[inline(always)]
pub(super) fn sum_up(skb: &Skb, case: &Case, pseudo: u16, segment: u16) -> Result<(), ()> {
    replace(skb, case, pseudo, BPF_F_PSEUDO_HDR)?;
    replace(skb, case, segment, 0)?;
    // The last change has nothing to make up for in the sum of the whole packet, where the
    // card made one. Where it didn't, this does nothing and says so.
    // SAFETY: a helper call on the context the kernel gave.
    unsafe { bpf_csum_update(skb.raw(), !u32::from(segment)) };
    Ok(())
}

/// What the checksum covers besides addresses and segment: length and protocol.
#[inline(always)]
pub(super) fn seed() -> u64 {
    (LENGTH as u16 + u16::from(protocol::TCP)).to_be().into()
}

/// The sum of what the checksum covers besides the segment: addresses, length, protocol.
#[inline(always)]
fn pseudo_header(skb: &Skb, case: &Case) -> Result<u16, ()> {
    // Not on the stack, where there is no room left.
    let room = &mut room::room().ok_or(())?.bytes;
    let words = room.as_mut_ptr().cast::<u32>();
    let mut sum = seed();
    // SAFETY: room for both addresses, beginning where words may.
    unsafe {
        if case.v6 == 0 {
            skb.load(case.network + 12, words.cast(), 8)?;
            (0..2).for_each(|at| sum += u64::from(*words.add(at)));
        } else {
            skb.load(case.network + 8, words.cast(), 32)?;
            (0..8).for_each(|at| sum += u64::from(*words.add(at)));
        }
    }
    Ok(folded(sum))
}

/// A sum of words in one's complement (RFC 1071), of which there are too few to leave 40 bits.
#[inline(always)]
pub(super) fn folded(sum: u64) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    (sum + (sum >> 16)) as u16
}

#[inline(always)]
fn replace(skb: &Skb, case: &Case, by: u16, flags: u64) -> Result<(), ()> {
    let at = case.transport + CHECKSUM_AT;
    // SAFETY: a helper call on the context the kernel gave.
    let code = unsafe { bpf_l4_csum_replace(skb.raw().cast(), at, 0, by.into(), flags) };
    if code == 0 { Ok(()) } else { Err(()) }
}
