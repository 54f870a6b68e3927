//! cgroup/sock_create and sock_release: sockets come and go, as the observer sees it. Both only
//! take note.

use aya_ebpf::{
    EbpfContext,
    helpers::{
        bpf_get_current_cgroup_id,
        generated::{bpf_get_netns_cookie, bpf_get_socket_cookie},
    },
    macros::cgroup_sock,
    programs::SockContext,
};

use crate::conversation::{self, Caller};

/// The verdict that lets it go on.
const ALLOW: i32 = 1;
const SOCK_DGRAM: u32 = 2;

/// Notes whose a UDP socket is.
#[cgroup_sock(sock_create)]
pub(crate) fn sock_create_observe(ctx: SockContext) -> i32 {
    if kind(&ctx) == SOCK_DGRAM {
        // SAFETY: helper calls on the context the kernel gave.
        let maker = unsafe {
            Caller {
                pid: ctx.tgid(),
                cgroup_id: bpf_get_current_cgroup_id(),
                netns_cookie: bpf_get_netns_cookie(ctx.as_ptr()),
            }
        };
        conversation::socket_made(cookie(&ctx), &maker);
    }
    ALLOW
}

/// Notes that a UDP socket waits for no answer any more, and a TCP socket for no connection.
#[cgroup_sock(sock_release)]
pub(crate) fn sock_release_observe(ctx: SockContext) -> i32 {
    if kind(&ctx) == SOCK_DGRAM {
        conversation::socket_gone(cookie(&ctx));
    } else {
        conversation::released(cookie(&ctx));
    }
    ALLOW
}

#[inline(always)]
fn kind(ctx: &SockContext) -> u32 {
    // SAFETY: the kernel gave the context; the field is read as the verifier allows.
    unsafe { core::ptr::read_volatile(&raw const (*ctx.sock).type_) }
}

#[inline(always)]
fn cookie(ctx: &SockContext) -> u64 {
    // SAFETY: a helper call on the context the kernel gave.
    unsafe { bpf_get_socket_cookie(ctx.as_ptr()) }
}
