//! cgroup/sendmsg4 and sendmsg6: who asks a DNS server by a socket that isn't connected to it.

use aya_ebpf::{macros::cgroup_sock_addr, programs::SockAddrContext};
use probe_common::{address::Address, question::DNS_PORT};

use super::connect::caller;
use crate::conversation;

/// The verdict that lets the message go on.
const ALLOW: i32 = 1;

/// Notes who asks over IPv4.
#[cgroup_sock_addr(sendmsg4)]
pub(crate) fn sendmsg4_observe(ctx: SockAddrContext) -> i32 {
    // SAFETY: the kernel gave the context; each field is read as the verifier allows.
    let remote = unsafe { core::ptr::read_volatile(&raw const (*ctx.sock_addr).user_ip4) };
    try_ask(&ctx, Address::from_u32s([0, 0, 0xffff_u32.to_be(), remote]))
}

/// Notes who asks over IPv6.
#[cgroup_sock_addr(sendmsg6)]
pub(crate) fn sendmsg6_observe(ctx: SockAddrContext) -> i32 {
    // SAFETY: as above; one word at a time, because wider reads of the context are refused.
    let word = |index: usize| unsafe {
        core::ptr::read_volatile(&raw const (*ctx.sock_addr).user_ip6[index])
    };
    let remote = Address::from_u32s([word(0), word(1), word(2), word(3)]);
    try_ask(&ctx, remote)
}

#[inline(always)]
fn try_ask(ctx: &SockAddrContext, remote: Address) -> i32 {
    // SAFETY: as above.
    let port = unsafe { core::ptr::read_volatile(&raw const (*ctx.sock_addr).user_port) };
    if u16::from_be(port as u16) == DNS_PORT {
        let (cookie, caller) = caller(ctx);
        conversation::asking(ctx, cookie, &caller, remote);
    }
    ALLOW
}
