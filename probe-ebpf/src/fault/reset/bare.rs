//! A TCP segment that is a header without options and nothing else, in place of another.

use aya_ebpf::helpers::generated::{
    bpf_csum_diff, bpf_csum_update, bpf_l3_csum_replace, bpf_l4_csum_replace,
};
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
    let mut was = [0u8; 2];
    // SAFETY: room for the length.
    unsafe { skb.load(case.network + 2, was.as_mut_ptr(), 2)? };
    let to = (length as u16).to_be_bytes();
    let pair = |bytes| u64::from(u16::from_ne_bytes(bytes));
    // SAFETY: a helper call on the context the kernel gave.
    let code =
        unsafe { bpf_l3_csum_replace(skb.raw().cast(), case.network + 10, pair(was), pair(to), 2) };
    if code != 0 {
        return Err(());
    }
    skb.store(case.network + 2, &to)
}

impl Bare {
    /// Writes it where the TCP header is, with its checksum: as far as the one that was there was
    /// finished, so is this.
    #[inline(always)]
    pub(super) fn write(&self, skb: &Skb, case: &Case) -> Result<(), ()> {
        // A checksum of all ones stands for zero, to be changed by what the packet sums up to.
        let mut header = [0u8; LENGTH as usize];
        header[..4].copy_from_slice(&self.ports);
        header[4..8].copy_from_slice(&self.sequence);
        header[8..12].copy_from_slice(&self.acknowledged);
        header[12..14].copy_from_slice(&[5 << 4, self.flags]);
        header[16..18].copy_from_slice(&[0xff, 0xff]);
        skb.store_summed(case.transport, &header)?;
        let pseudo = pseudo_header(skb, case)?;
        let sum = sum(&header, 0)?;
        replace(skb, case, pseudo, BPF_F_PSEUDO_HDR)?;
        replace(skb, case, sum, 0)?;
        // The last change has nothing to make up for in the sum of the whole packet, where the
        // card made one. Where it didn't, this does nothing and says so.
        // SAFETY: a helper call on the context the kernel gave.
        unsafe { bpf_csum_update(skb.raw(), !sum) };
        Ok(())
    }
}

/// The sum of what the checksum covers besides the segment: addresses, length, protocol.
#[inline(always)]
fn pseudo_header(skb: &Skb, case: &Case) -> Result<u32, ()> {
    let length_and_protocol = LENGTH as u16 + u16::from(protocol::TCP);
    let seed = u32::from(length_and_protocol.to_be());
    // Not on the stack, where there is no room left.
    let room = &mut room::room().ok_or(())?.bytes;
    if case.v6 == 0 {
        // SAFETY: room for both.
        unsafe { skb.load(case.network + 12, room.as_mut_ptr(), 8)? };
        return sum(room.first_chunk::<8>().ok_or(())?, seed);
    }
    // SAFETY: room for both.
    unsafe { skb.load(case.network + 8, room.as_mut_ptr(), 32)? };
    sum(room.first_chunk::<32>().ok_or(())?, seed)
}

#[inline(always)]
fn sum<const N: usize>(bytes: &[u8; N], seed: u32) -> Result<u32, ()> {
    let from = bytes.as_ptr().cast_mut().cast();
    // SAFETY: a helper call; nothing is taken off, and `bytes`, whose length is a multiple of
    // four, is only read.
    let sum = unsafe { bpf_csum_diff(core::ptr::null_mut(), 0, from, N as u32, seed) };
    u32::try_from(sum).map_err(|_| ())
}

#[inline(always)]
fn replace(skb: &Skb, case: &Case, by: u32, flags: u64) -> Result<(), ()> {
    let at = case.transport + CHECKSUM_AT;
    // SAFETY: a helper call on the context the kernel gave.
    let code = unsafe { bpf_l4_csum_replace(skb.raw().cast(), at, 0, by.into(), flags) };
    if code == 0 { Ok(()) } else { Err(()) }
}
