//! sock_ops: connections come to be, and end without a packet to tell of it.

use aya_ebpf::{
    EbpfContext,
    helpers::generated::{bpf_get_netns_cookie, bpf_get_socket_cookie},
    macros::sock_ops,
    programs::SockOpsContext,
};
use probe_common::address::Address;

use crate::{conversation, emit::Ends};

const AF_INET: u32 = 2;
const BPF_SOCK_OPS_TCP_CONNECT_CB: u32 = 3;
const BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB: u32 = 4;
const BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB: u32 = 5;
const BPF_SOCK_OPS_STATE_CB: u32 = 10;
const BPF_SOCK_OPS_STATE_CB_FLAG: i32 = 1 << 2;
const BPF_TCP_CLOSE: u32 = 7;

/// Notes connections that are made, accepted and over.
#[sock_ops]
pub(crate) fn sock_ops_observe(ctx: SockOpsContext) -> u32 {
    // SAFETY: the kernel gave the context; each field is read as the verifier allows.
    let operation = unsafe { core::ptr::read_volatile(&raw const (*ctx.ops).op) };
    match operation {
        BPF_SOCK_OPS_TCP_CONNECT_CB => {
            watch_state(&ctx);
            conversation::addressed(cookie(&ctx), &ends(&ctx));
        }
        BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB => {
            conversation::connected(cookie(&ctx), &ends(&ctx));
        }
        BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB => {
            watch_state(&ctx);
            // SAFETY: a helper call on the context the kernel gave.
            let netns_cookie = unsafe { bpf_get_netns_cookie(ctx.as_ptr()) };
            conversation::accepted(cookie(&ctx), netns_cookie, &ends(&ctx));
        }
        BPF_SOCK_OPS_STATE_CB => {
            // SAFETY: as above.
            let to =
                unsafe { core::ptr::read_volatile(&raw const (*ctx.ops).__bindgen_anon_1.args[1]) };
            if to == BPF_TCP_CLOSE {
                conversation::gone(cookie(&ctx));
            }
        }
        _ => {}
    }
    1
}

/// Asks to be called when the socket's state changes.
#[inline(always)]
fn watch_state(ctx: &SockOpsContext) {
    let _ = ctx.set_cb_flags(BPF_SOCK_OPS_STATE_CB_FLAG);
}

#[inline(always)]
fn cookie(ctx: &SockOpsContext) -> u64 {
    // SAFETY: a helper call on the context the kernel gave.
    unsafe { bpf_get_socket_cookie(ctx.as_ptr()) }
}

/// Reads one field of the context by itself: the verifier refuses wider reads.
macro_rules! field {
    ($ctx:expr, $($path:tt)+) => {
        // SAFETY: the kernel gave the context; the field is read as the verifier allows.
        unsafe { core::ptr::read_volatile(&raw const (*$ctx.ops).$($path)+) }
    };
}

#[inline(always)]
fn ends(ctx: &SockOpsContext) -> Ends {
    // Everything is read before anything is decided: a read that two branches share would be
    // made by computed offset, which the verifier refuses.
    let (local_v4, remote_v4) = (field!(ctx, local_ip4), field!(ctx, remote_ip4));
    let local_v6 = [
        field!(ctx, local_ip6[0]),
        field!(ctx, local_ip6[1]),
        field!(ctx, local_ip6[2]),
        field!(ctx, local_ip6[3]),
    ];
    let remote_v6 = [
        field!(ctx, remote_ip6[0]),
        field!(ctx, remote_ip6[1]),
        field!(ctx, remote_ip6[2]),
        field!(ctx, remote_ip6[3]),
    ];
    let mapped = |v4| Address::from_u32s([0, 0, 0xffff_u32.to_be(), v4]);
    let (local, remote) = if field!(ctx, family) == AF_INET {
        (mapped(local_v4), mapped(remote_v4))
    } else {
        (Address::from_u32s(local_v6), Address::from_u32s(remote_v6))
    };
    Ends {
        local,
        remote,
        // The kernel gives the one in host order and the other as a big-endian word.
        local_port: field!(ctx, local_port) as u16,
        remote_port: u32::from_be(field!(ctx, remote_port)) as u16,
    }
}
