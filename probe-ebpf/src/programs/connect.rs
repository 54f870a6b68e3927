//! cgroup/connect4 and connect6: who connects where. The only hooks of a connection that run in
//! the calling process's own context.

use aya_ebpf::{
    EbpfContext,
    helpers::{
        bpf_get_current_cgroup_id,
        generated::{bpf_get_netns_cookie, bpf_get_socket_cookie},
    },
    macros::cgroup_sock_addr,
    programs::SockAddrContext,
};
use probe_common::{
    address::{Address, protocol},
    question::DNS_PORT,
};

use crate::conversation::{self, Caller};

/// The verdict that lets connect() go on.
const ALLOW: i32 = 1;

/// Notes an IPv4 connection attempt.
#[cgroup_sock_addr(connect4)]
pub(crate) fn connect4_observe(ctx: SockAddrContext) -> i32 {
    // SAFETY: the kernel gave the context; each field is read as the verifier allows.
    let remote = unsafe { core::ptr::read_volatile(&raw const (*ctx.sock_addr).user_ip4) };
    try_connect(&ctx, Address::from_u32s([0, 0, 0xffff_u32.to_be(), remote]))
}

/// Notes an IPv6 connection attempt.
#[cgroup_sock_addr(connect6)]
pub(crate) fn connect6_observe(ctx: SockAddrContext) -> i32 {
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
    let (transport, port) = unsafe {
        (
            core::ptr::read_volatile(&raw const (*ctx.sock_addr).protocol),
            core::ptr::read_volatile(&raw const (*ctx.sock_addr).user_port),
        )
    };
    let port = u16::from_be(port as u16);
    if transport == u32::from(protocol::TCP) {
        let (cookie, caller) = caller(ctx);
        conversation::connecting(ctx, cookie, &caller, remote, port);
    } else if transport == u32::from(protocol::UDP) && port == DNS_PORT {
        let (cookie, caller) = caller(ctx);
        conversation::asking(ctx, cookie, &caller, remote);
    }
    ALLOW
}

/// Cookie of the socket, and who calls.
#[inline(always)]
pub(super) fn caller(ctx: &SockAddrContext) -> (u64, Caller) {
    // SAFETY: helper calls on the context the kernel gave.
    unsafe {
        (
            bpf_get_socket_cookie(ctx.as_ptr()),
            Caller {
                pid: ctx.tgid(),
                cgroup_id: bpf_get_current_cgroup_id(),
                netns_cookie: bpf_get_netns_cookie(ctx.as_ptr()),
            },
        )
    }
}
