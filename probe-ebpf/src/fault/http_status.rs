//! The status of plain HTTP/1 answers is rewritten: three digits, in place, and the checksum with
//! them. Whatever doesn't begin with a status line is left alone, and so are interim answers
//! (1xx): with another status they would be taken for the answer itself.

use aya_ebpf::helpers::generated::bpf_l4_csum_replace;
use probe_common::{address::protocol, random, rule::FaultRule};

use super::{Case, Touch, size::Size};
use crate::skb::Skb;

/// "HTTP/1.1 200": what a status line begins with.
const BEGINNING: usize = 12;
/// Where the status stands in it.
const STATUS_AT: u32 = 9;

#[inline(always)]
pub(super) fn touch(skb: &Skb, rule: &FaultRule, size: Size, draw: u64, case: &Case) -> Touch {
    let Some((payload, line)) = status_line(skb, case) else {
        return Touch::Passed;
    };
    if !random::hits(draw, size.of_share(rule.probability)) {
        return Touch::Passed;
    }
    let to = digits(rule.status);
    let was = [line[9], line[10], line[11]];
    if was == to {
        return Touch::Passed;
    }
    match rewrite(skb, case, payload + STATUS_AT, was, to) {
        Ok(()) => Touch::Rewritten,
        Err(()) => Touch::Failed,
    }
}

/// Where the payload begins and its first bytes, if those are a status line's.
#[inline(always)]
fn status_line(skb: &Skb, case: &Case) -> Option<(u32, [u8; BEGINNING])> {
    if case.protocol != u32::from(protocol::TCP) || case.later_fragment != 0 {
        return None;
    }
    let mut offset = 0u8;
    // SAFETY: room for the one byte.
    unsafe { skb.load(case.transport + 12, &raw mut offset, 1) }.ok()?;
    let payload = case.transport + u32::from(offset >> 4) * 4;
    let mut line = [0u8; BEGINNING];
    // SAFETY: room for the line's beginning.
    unsafe { skb.load(payload, line.as_mut_ptr(), BEGINNING as u32) }.ok()?;
    let [
        b'H',
        b'T',
        b'T',
        b'P',
        b'/',
        b'1',
        b'.',
        b'0' | b'1',
        b' ',
        a,
        b,
        c,
    ] = line
    else {
        return None;
    };
    let is_final = matches!(a, b'2'..=b'5') && b.is_ascii_digit() && c.is_ascii_digit();
    is_final.then_some((payload, line))
}

#[inline(always)]
fn digits(status: u32) -> [u8; 3] {
    let digit = |value: u32| b'0' + (value % 10) as u8;
    [digit(status / 100), digit(status / 10), digit(status)]
}

#[inline(always)]
fn rewrite(skb: &Skb, case: &Case, at: u32, was: [u8; 3], to: [u8; 3]) -> Result<(), ()> {
    skb.store(at, &to)?;
    let odd = (at - case.transport) % 2 != 0;
    let checksum = case.transport + 16;
    let difference = difference(odd, was, to);
    // What was there is in the difference, which is told by a field of no length.
    // SAFETY: a helper call on the context the kernel gave.
    let code = unsafe { bpf_l4_csum_replace(skb.raw().cast(), checksum, 0, difference.into(), 0) };
    if code == 0 { Ok(()) } else { Err(()) }
}

/// What three bytes change of the TCP checksum, which sums pairs, counted from the header; in one
/// number, because the kernel takes as long for each number as for three.
#[inline(always)]
fn difference(odd: bool, was: [u8; 3], to: [u8; 3]) -> u32 {
    let sum = |[a, b, c]: [u8; 3]| {
        let pairs = if odd {
            [[0, a], [b, c]]
        } else {
            [[a, b], [c, 0]]
        };
        u32::from(u16::from_ne_bytes(pairs[0])) + u32::from(u16::from_ne_bytes(pairs[1]))
    };
    // In ones' complement, where a carry comes back in and to subtract is to add the inverse.
    let (sum, carry) = sum(to).overflowing_add(!sum(was));
    sum + u32::from(carry)
}
