//! cgroup/connect4 and connect6: connections that fail at once, and sockets of the near side.
//! They decide for the plan's own network namespace alone.

use aya_ebpf::{
    EbpfContext,
    helpers::generated::{bpf_get_netns_cookie, bpf_get_socket_cookie, bpf_set_retval},
    macros::cgroup_sock_addr,
    programs::SockAddrContext,
};
use probe_common::{
    address::Address,
    rule::{EndpointKey, PlanHeader, near},
};

use crate::{
    attempt::{self, Attempt},
    maps::{near as known, plan},
    near as whose,
};

/// The verdict that lets connect() go on.
const ALLOW: i32 = 1;
/// The verdict that doesn't.
const DENY: i32 = 0;

/// Decides over an IPv4 connection.
#[cgroup_sock_addr(connect4)]
pub(crate) fn connect4_inject(ctx: SockAddrContext) -> i32 {
    // SAFETY: the kernel gave the context; each field is read as the verifier allows.
    let remote = unsafe { core::ptr::read_volatile(&raw const (*ctx.sock_addr).user_ip4) };
    try_connect(&ctx, Address::from_u32s([0, 0, 0xffff_u32.to_be(), remote]))
}

/// Decides over an IPv6 connection, also one to a mapped IPv4 address.
#[cgroup_sock_addr(connect6)]
pub(crate) fn connect6_inject(ctx: SockAddrContext) -> i32 {
    // SAFETY: as above; one word at a time, because wider reads of the context are refused.
    let word = |index: usize| unsafe {
        core::ptr::read_volatile(&raw const (*ctx.sock_addr).user_ip6[index])
    };
    let remote = Address::from_u32s([word(0), word(1), word(2), word(3)]);
    try_connect(&ctx, remote)
}

#[inline(always)]
fn try_connect(ctx: &SockAddrContext, remote: Address) -> i32 {
    // SAFETY: the kernel gave the context; each field is read as the verifier allows.
    let (protocol, port) = unsafe {
        (
            core::ptr::read_volatile(&raw const (*ctx.sock_addr).protocol),
            core::ptr::read_volatile(&raw const (*ctx.sock_addr).user_port),
        )
    };
    let Some(header) = plan::header() else {
        return ALLOW;
    };
    let is_near = header.near_kind != near::NONE && whose::is_current(header);
    // SAFETY: a helper call on the context the kernel gave.
    let cookie = unsafe { bpf_get_socket_cookie(ctx.as_ptr()) };
    if is_near && header.near_kind == near::PROCESSES {
        known::note_socket(cookie);
    }
    if header.connect_rules == 0 || !is_of_this_namespace(ctx, header) {
        return ALLOW;
    }
    let far_side = EndpointKey {
        address: remote,
        port: u16::from_be(port as u16),
        protocol: protocol as u8,
        pad: 0,
    };
    let mut attempt = Attempt::new(cookie, far_side, is_near);
    match attempt::ask(&mut attempt) {
        0 => ALLOW,
        errno => {
            // SAFETY: a helper call without pointers.
            unsafe { bpf_set_retval(-errno) };
            DENY
        }
    }
}

#[inline(always)]
fn is_of_this_namespace(ctx: &SockAddrContext, header: &PlanHeader) -> bool {
    // SAFETY: a helper call on the context the kernel gave.
    let cookie = unsafe { bpf_get_netns_cookie(ctx.as_ptr()) };
    header.netns_cookie != 0 && cookie == header.netns_cookie
}
