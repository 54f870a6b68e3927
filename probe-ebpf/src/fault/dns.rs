//! DNS questions over UDP are answered here, with a failure: the question itself becomes the
//! answer, its header saying so, and goes back to who asked. Or they vanish.

mod name;

use aya_ebpf::helpers::generated::bpf_l4_csum_replace;
use probe_common::{
    address::protocol,
    rule::{FaultRule, dns},
};

use super::{Case, Touch, turn_back};
use crate::skb::Skb;

/// `bpf_l4_csum_replace` flags: two bytes, and UDP's rule that a checksum of zero means none.
const CSUM_FLAGS: u64 = 2 | 1 << 5;
/// Lengths of UDP's header and of a DNS message's.
const UDP_LENGTH: u32 = 8;
const HEADER_LENGTH: u32 = 12;
/// Header flags (RFC 1035, section 4.1.1): it is an answer, recursion was to be had.
const IS_ANSWER: u8 = 0x80;
const RECURSION_AVAILABLE: u8 = 0x80;
/// What of the first byte of flags is zero in a question: answer, kind of question, authority,
/// truncation.
const NOT_A_QUESTION: u8 = 0xfe;
/// What of the second byte of flags is handed back: that checking is disabled.
const KEPT: u8 = 0x10;

#[inline(always)]
pub(super) fn touch(skb: &Skb, index: u32, rule: &FaultRule, case: &mut Case) -> Touch {
    if case.protocol != u32::from(protocol::UDP) || case.later_fragment != 0 {
        return Touch::Passed;
    }
    let message = case.transport + UDP_LENGTH;
    let mut header = [0u8; HEADER_LENGTH as usize];
    // SAFETY: room for the header.
    let read = unsafe { skb.load(message, header.as_mut_ptr(), HEADER_LENGTH) };
    if read.is_err() || !is_question(&header) {
        return Touch::Passed;
    }
    if !name::matches(skb, index, message + HEADER_LENGTH, case.length) {
        return Touch::Passed;
    }
    if rule.status == dns::TIMEOUT {
        return Touch::Dropped;
    }
    let was = [header[2], header[3]];
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

/// Whether a message is an ordinary question: one, and no answers.
#[inline(always)]
fn is_question(header: &[u8; HEADER_LENGTH as usize]) -> bool {
    let counts = [
        header[4], header[5], header[6], header[7], header[8], header[9],
    ];
    header[2] & NOT_A_QUESTION == 0 && header[3] & 0x0f == 0 && counts == [0, 1, 0, 0, 0, 0]
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
