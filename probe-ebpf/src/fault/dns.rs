//! DNS questions over UDP are answered here, with a failure: the question itself becomes the
//! answer, its header saying so, and goes back to who asked.

use aya_ebpf::helpers::generated::{bpf_l4_csum_replace, bpf_skb_store_bytes};
use probe_common::{address::protocol, random, rule::FaultRule};

use super::{Case, Touch, size::Size, turn_back};
use crate::skb::Skb;

/// `bpf_l4_csum_replace` flags: two bytes, and UDP's rule that a checksum of zero means none.
const CSUM_FLAGS: u64 = 2 | 1 << 5;
/// Header flags (RFC 1035, section 4.1.1): it is an answer, recursion was to be had.
const IS_ANSWER: u8 = 0x80;
const RECURSION_AVAILABLE: u8 = 0x80;
/// What of the second byte of flags isn't the response code or reserved for it.
const KEPT: u8 = 0x70;

#[inline(always)]
pub(super) fn touch(skb: &Skb, rule: &FaultRule, size: Size, draw: u64, case: &mut Case) -> Touch {
    if case.protocol != u32::from(protocol::UDP) || case.later_fragment != 0 {
        return Touch::Passed;
    }
    let at = case.transport + 8 + 2;
    let mut flags = [0u8; 2];
    // SAFETY: room for the header's flags.
    if unsafe { skb.load(at, flags.as_mut_ptr(), 2) }.is_err() || flags[0] & IS_ANSWER != 0 {
        return Touch::Passed;
    }
    if !random::hits(draw, size.of_share(rule.probability)) {
        return Touch::Passed;
    }
    let code = (rule.status & 0x0f) as u8;
    let answer = [
        flags[0] | IS_ANSWER,
        flags[1] & KEPT | RECURSION_AVAILABLE | code,
    ];
    match rewrite(skb, case, at, flags, answer).and_then(|()| turn_back::turn(skb, case)) {
        Ok(()) => {
            case.turned_back = 1;
            Touch::Rewritten
        }
        Err(()) => Touch::Failed,
    }
}

#[inline(always)]
fn rewrite(skb: &Skb, case: &Case, at: u32, was: [u8; 2], to: [u8; 2]) -> Result<(), ()> {
    let (before, after) = (u16::from_ne_bytes(was), u16::from_ne_bytes(to));
    let checksum = case.transport + 6;
    let raw = skb.raw().cast();
    // SAFETY: helper calls on the context the kernel gave; `to` outlives its call.
    unsafe {
        if bpf_skb_store_bytes(raw, at, to.as_ptr().cast(), 2, 0) != 0 {
            return Err(());
        }
        if bpf_l4_csum_replace(raw, checksum, before.into(), after.into(), CSUM_FLAGS) != 0 {
            return Err(());
        }
    }
    Ok(())
}
