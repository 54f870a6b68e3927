//! Connections come to be and go.

use aya_ebpf::{EbpfContext, helpers::bpf_ktime_get_ns};
use probe_common::{
    address::{Address, protocol},
    event::{ATTEMPTED, REQUEST_PREFIX, ending},
    flow::{Flow, PeerKey, framing, role, state},
};

use super::framed;
use crate::{
    emit::{self, Ends, Subject},
    maps::{count_shared, flows, gauges, peers},
};

/// Who connects.
pub(crate) struct Caller {
    pub(crate) pid: u32,
    pub(crate) cgroup_id: u64,
    pub(crate) netns_cookie: u64,
}

/// A process is about to connect.
#[inline(always)]
pub(crate) fn connecting<C: EbpfContext>(
    ctx: &C,
    cookie: u64,
    caller: &Caller,
    remote: Address,
    port: u16,
) {
    // A socket may be used for the next attempt.
    released(cookie);
    let peer = peers::slot_of(&PeerKey {
        address: remote,
        netns_cookie: caller.netns_cookie,
        cgroup_id: caller.cgroup_id,
        pid: caller.pid,
        port,
        role: role::CLIENT,
        protocol: protocol::TCP,
    });
    count_shared!(peers::figures_of(peer).counters(), connects);
    let subject = Subject::now(cookie, peer);
    if let Some(flow) = flows::begin(cookie) {
        // SAFETY: a valid pointer into the map; no packet of the connection was sent yet.
        let flow = unsafe { &mut *flow };
        flow.since_ns = subject.at_ns;
        flow.netns_cookie = caller.netns_cookie;
        flow.peer = peer;
        flow.pid = caller.pid;
        flow.role = role::CLIENT;
    }
    emit::connect(subject, ctx, caller, remote, port);
}

/// The first packet of a connection is about to be sent: from now on its ends are known. They stand
/// where a waiting request will, which nobody needs before.
#[inline(always)]
pub(crate) fn addressed(cookie: u64, ends: &Ends) {
    let Some(flow) = flows::get(cookie) else {
        return;
    };
    // SAFETY: a valid pointer into the map; the socket's own events come one after the other.
    let flow = unsafe { &mut *flow };
    if flow.state != state::CONNECTING {
        return;
    }
    let to = (&raw mut flow.request).cast::<u8>();
    // SAFETY: `ATTEMPTED` bytes, which the request has room for (asserted below).
    unsafe {
        to.cast::<Address>().write_unaligned(ends.local);
        to.add(16).cast::<Address>().write_unaligned(ends.remote);
        to.add(32).cast::<u16>().write_unaligned(ends.local_port);
        to.add(34).cast::<u16>().write_unaligned(ends.remote_port);
    }
    flow.request_length = ATTEMPTED as u8;
}

const _: () = assert!(ATTEMPTED <= REQUEST_PREFIX);

/// A socket is closed of which no packet was ever sent: connect() failed at once, or wasn't waited
/// for.
#[inline(always)]
pub(crate) fn released(cookie: u64) {
    probe_released(cookie);
}

/// The same; always zero, because such a function has to return something. A function of its own for
/// the sake of the stack.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_released(cookie: u64) -> u32 {
    let Some(flow) = flows::get(cookie) else {
        return 0;
    };
    // SAFETY: a valid pointer into the map.
    let flow = unsafe { &mut *flow };
    if flow.state == state::CONNECTING && flow.request_length == 0 {
        end(cookie, flow, ending::REFUSED);
        flows::forget(cookie);
    }
    0
}

/// A connection that this side asked for came to be.
#[inline(always)]
pub(crate) fn connected(cookie: u64, ends: &Ends) {
    // Not seen by the connect hook: the caller belongs to a cgroup that isn't watched, or asked
    // before the hook was there. Its packets will tell.
    let Some(flow) = flows::get(cookie) else {
        return;
    };
    // SAFETY: a valid pointer into the map; the socket's own events come one after the other.
    let flow = unsafe { &mut *flow };
    let subject = Subject::now(cookie, flow.peer);
    let took = subject.at_ns.saturating_sub(flow.since_ns);
    flow.state = state::IDLE;
    flow.request_length = 0;
    emit::established(subject, role::CLIENT, took, ends);
}

/// A connection was accepted.
#[inline(always)]
pub(crate) fn accepted(cookie: u64, netns_cookie: u64, ends: &Ends) {
    let peer = peers::slot_of(&PeerKey {
        netns_cookie,
        port: ends.local_port,
        role: role::SERVER,
        protocol: protocol::TCP,
        ..PeerKey::default()
    });
    count_shared!(peers::figures_of(peer).counters(), connects);
    if let Some(flow) = flows::begin(cookie) {
        // SAFETY: a valid pointer into the map; no payload of the connection came yet.
        let flow = unsafe { &mut *flow };
        flow.netns_cookie = netns_cookie;
        flow.peer = peer;
        flow.role = role::SERVER;
        flow.state = state::IDLE;
    }
    emit::established(Subject::now(cookie, peer), role::SERVER, 0, ends);
}

/// A socket is closed for good.
#[inline(always)]
pub(crate) fn gone(cookie: u64) {
    let Some(flow) = flows::get(cookie) else {
        return;
    };
    // SAFETY: a valid pointer into the map.
    let flow = unsafe { &mut *flow };
    match flow.state {
        state::ENDED => {}
        state::CONNECTING => end(cookie, flow, ending::NO_CONNECTION),
        _ => end(cookie, flow, ending::GONE),
    }
    flows::forget(cookie);
}

/// Tells how a connection ended, once, and counts what that means for a waiting request.
#[inline(always)]
pub(crate) fn end(cookie: u64, flow: &mut Flow, how: u8) {
    // SAFETY: a helper call without arguments.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    let was = flow.state;
    // At once: an answer that another CPU sees from here on came after the end.
    flow.state = state::ENDED;
    let waiting = was == state::WAITING || was == state::CONNECTING;
    let waited_ns = if waiting {
        now_ns.saturating_sub(flow.since_ns).max(1)
    } else {
        0
    };
    let request_length = if waiting && flow.framing == framing::TURNS {
        flow.request_length
    } else {
        0
    };
    let figures = peers::figures_of(flow.peer);
    let counters = figures.counters();
    if was == state::CONNECTING {
        count_shared!(counters, connect_failures);
    } else {
        let streams = framed::ended(flow);
        let waited = if was == state::WAITING {
            gauges::fall(figures, 1);
            streams + 1
        } else {
            streams
        };
        let caller_left = match flow.role {
            role::SERVER => matches!(how, ending::FIN_RECEIVED | ending::RESET_RECEIVED),
            _ => matches!(how, ending::FIN_SENT | ending::RESET_SENT | ending::GONE),
        };
        if caller_left {
            count_shared!(counters, abandoned, waited);
        } else {
            count_shared!(counters, cut_off, waited);
        }
    }
    let subject = Subject {
        cookie,
        peer: flow.peer,
        at_ns: now_ns,
    };
    emit::close(subject, flow, how, waited_ns, request_length);
}
