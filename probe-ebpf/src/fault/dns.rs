//! DNS questions over UDP are answered here, with a failure: the question itself becomes the
//! answer, its header saying so, and goes back to who asked. Or they vanish.

mod name;

use aya_ebpf::helpers::generated::bpf_l4_csum_replace;
use probe_common::{
    address::protocol,
    rule::{FaultRule, dns},
};

use super::{Case, Touch, turn_back};
use crate::{maps::plan, skb::Skb};

/// `bpf_l4_csum_replace` flags: two bytes, and UDP's rule that a checksum of zero means none.
const CSUM_FLAGS: u64 = 2 | 1 << 5;
/// Length of UDP's header.
const UDP_LENGTH: u32 = 8;
/// Where a message has its flags, and where a plain frame has them.
const FLAGS_AT: u32 = 2;
const PLAIN_FLAGS: usize = (turn_back::PLAIN_TRANSPORT + UDP_LENGTH + FLAGS_AT) as usize;
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
    // What goes back already is no question any more.
    if case.turned_back != 0 || !name::matches(skb, index, message, case.length) {
        return Touch::Passed;
    }
    if rule.status == dns::TIMEOUT {
        return Touch::Dropped;
    }
    case.turn_back(index, turn_back::ANSWER);
    Touch::Rewritten
}

/// Makes of the question its answer, on the way back.
#[inline(always)]
pub(super) fn carry_out(skb: &Skb, case: &Case) -> Result<(), ()> {
    let status = plan::rule(case.acting_rule).ok_or(())?.status;
    let at = case.transport + UDP_LENGTH + FLAGS_AT;
    let mut was = [0; 2];
    let to = if turn_back::is_plain(case) {
        // All that changes lies side by side, the checksum aside.
        turn_back::turn_plain::<{ PLAIN_FLAGS + 2 }>(skb, |frame| {
            was = [frame[PLAIN_FLAGS], frame[PLAIN_FLAGS + 1]];
            [frame[PLAIN_FLAGS], frame[PLAIN_FLAGS + 1]] = answer(was, status);
        })?;
        answer(was, status)
    } else {
        // SAFETY: room for two bytes.
        unsafe { skb.load(at, was.as_mut_ptr(), 2)? };
        let to = answer(was, status);
        skb.store(at, &to)?;
        turn_back::turn(skb, case)?;
        to
    };
    sum_up(skb, case, was, to)
}

/// A question's flags, as its answer has them.
#[inline(always)]
fn answer(was: [u8; 2], status: u32) -> [u8; 2] {
    let code = (status & 0x0f) as u8;
    [
        was[0] | IS_ANSWER,
        was[1] & KEPT | RECURSION_AVAILABLE | code,
    ]
}

/// Has the checksum make up for the flags.
#[inline(always)]
fn sum_up(skb: &Skb, case: &Case, was: [u8; 2], to: [u8; 2]) -> Result<(), ()> {
    let (before, after) = (u16::from_ne_bytes(was), u16::from_ne_bytes(to));
    let checksum = case.transport + 6;
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
