//! cgroup/sock_create and sock_release: sockets come and go. Both only take note; the socket is
//! made, and gone, whatever they find.

use aya_ebpf::{
    EbpfContext, helpers::generated::bpf_get_socket_cookie, macros::cgroup_sock,
    programs::SockContext,
};
use probe_common::rule::near;

use crate::{
    attempt,
    maps::{near as known, plan},
    near as whose,
};

/// The verdict that lets it go on.
const ALLOW: i32 = 1;

/// Notes a socket that the near side makes.
#[cgroup_sock(sock_create)]
pub(crate) fn sock_create_note(ctx: SockContext) -> i32 {
    if let Some(header) = plan::header()
        && header.near_kind == near::PROCESSES
        && whose::is_current(header)
    {
        known::note_socket(cookie(&ctx));
    }
    ALLOW
}

/// Notes that a connection is over.
#[cgroup_sock(sock_release)]
pub(crate) fn sock_release_note(ctx: SockContext) -> i32 {
    if let Some(header) = plan::header()
        && header.limit_count != 0
    {
        attempt::closed(header, cookie(&ctx));
    }
    ALLOW
}

#[inline(always)]
fn cookie(ctx: &SockContext) -> u64 {
    // SAFETY: a helper call on the context the kernel gave.
    unsafe { bpf_get_socket_cookie(ctx.as_ptr()) }
}
