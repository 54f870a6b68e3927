//! DNS questions over UDP are answered here, with a failure: the question itself becomes the
//! answer, its header saying so, and goes back to who asked. Or they vanish.

mod name;

use aya_ebpf::helpers::generated::bpf_l4_csum_replace;
use probe_common::{
    address::protocol,
    rule::{FaultRule, dns},
};

use super::{Case, Touch, turn_back};
use crate::{maps::room, skb::Skb};

/// `bpf_l4_csum_replace` flags: two bytes, and UDP's rule that a checksum of zero means none.
const CSUM_FLAGS: u64 = 2 | 1 << 5;
/// Length of UDP's header.
const UDP_LENGTH: u32 = 8;
/// Header flags (RFC 1035, section 4.1.1): it is an answer, recursion was to be had.
const IS_ANSWER: u8 = 0x80;
const RECURSION_AVAILABLE: u8 = 0x80;
/// What of the second byte of flags is handed back: that checking is disabled.
const KEPT: u8 = 0x10;

#[inline(always)]
pub(super) fn touch(skb: &Skb, index: u32, rule: &FaultRule, case: &mut Case) -> Touch {
    if case.protocol != u32::from(protocol::UDP) || case.later_fragment != 0 {
        return Touch::Passed;
    }
    let message = case.transport + UDP_LENGTH;
    if !name::matches(skb, index, message, case.length) {
        return Touch::Passed;
    }
    if rule.status == dns::TIMEOUT {
        return Touch::Dropped;
    }
    let Some(room) = room::room() else {
        return Touch::Failed;
    };
    let was = [room.header[2], room.header[3]];
    let code = (rule.status & 0x0f) as u8;
    let answer = [
        was[0] | IS_ANSWER,
        was[1] & KEPT | RECURSION_AVAILABLE | code,
    ];
    match rewrite(skb, case, message + 2, was, answer) {
        Ok(()) => {
            case.turn_back(index, turn_back::AS_IT_IS);
            Touch::Rewritten
        }
        Err(()) => Touch::Failed,
    }
}

#[inline(always)]
fn rewrite(skb: &Skb, case: &Case, at: u32, was: [u8; 2], to: [u8; 2]) -> Result<(), ()> {
    let (before, after) = (u16::from_ne_bytes(was), u16::from_ne_bytes(to));
    let checksum = case.transport + 6;
    skb.store(at, &to)?;
    // SAFETY: a helper call on the context the kernel gave.
    let code = unsafe {
        bpf_l4_csum_replace(
            skb.raw().cast(),
            checksum,
            before.into(),
            after.into(),
            CSUM_FLAGS,
        )
    };
    if code == 0 { Ok(()) } else { Err(()) }
}
