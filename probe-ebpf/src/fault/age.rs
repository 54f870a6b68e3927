//! Whether a rule saw a connection begin: a TCP connection by its SYN, anything of UDP unless
//! user space has found it there before. Other protocols have no connections.

use aya_ebpf::bindings::__sk_buff;
use probe_common::{address::protocol, connection::under_rule, rule::only};
use probe_ebpf::packet::tcp_flag;

use super::Case;
use crate::{
    maps::{ages, plan},
    skb::Skb,
};

/// Where the flags stand in a TCP header.
const FLAGS_AT: u32 = 13;

/// Whether a packet is of the connections that a rule is for: one or zero. To be asked for
/// packets in both directions, whichever the rule is for. A function that the verifier checks by
/// itself.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn probe_fits_age(raw: *mut __sk_buff, index: u32, case: *const Case) -> u32 {
    // SAFETY: the caller's own case; the verifier makes sure that it is one, or nothing.
    let (Some(case), Some(rule)) = (unsafe { case.as_ref() }, plan::rule(index)) else {
        return 0;
    };
    if case.later_fragment != 0 {
        return 0;
    }
    let key = under_rule(case.connection_hash, index);
    let age = if case.protocol == u32::from(protocol::TCP) {
        let mut flags = 0u8;
        // SAFETY: room for the one byte.
        if unsafe { Skb::new(raw).load(case.transport + FLAGS_AT, &raw mut flags, 1) }.is_err() {
            return 0;
        }
        if flags & tcp_flag::SYN != 0 {
            ages::set(key, only::NEW);
            only::NEW
        } else {
            ages::of(key, only::ESTABLISHED)
        }
    } else if case.protocol == u32::from(protocol::UDP) {
        ages::of(key, only::NEW)
    } else {
        return 0;
    };
    u32::from(age == rule.only)
}
