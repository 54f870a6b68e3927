//! Requests and answers, told from the direction of payload.

use aya_ebpf::helpers::{
    bpf_ktime_get_ns,
    generated::{bpf_get_socket_cookie, bpf_skb_cgroup_id},
};
use probe_common::{
    address::protocol,
    event::{REQUEST_PREFIX, ending},
    flow::{Flow, PeerKey, flag, role, state},
};
use probe_ebpf::packet::{Packet, Segment, tcp_flag};

use super::connection;
use crate::{
    emit::{self, Subject},
    maps::{count, flows, gauges, peers},
    skb::Skb,
};

/// Ports from here on are given to sockets that didn't ask for one (the kernel's default range).
const FIRST_EPHEMERAL_PORT: u16 = 32_768;

/// A TCP segment as one of its sockets sees it.
pub(crate) struct Sight {
    pub(crate) skb: Skb,
    pub(crate) packet: Packet,
    pub(crate) segment: Segment,
    pub(crate) outgoing: bool,
}

impl Sight {
    #[inline(always)]
    fn payload_length(&self) -> u32 {
        self.skb
            .len()
            .saturating_sub(u32::from(self.segment.payload))
    }
}

/// A segment left its sender's socket, or reached its receiver's.
#[inline(always)]
pub(crate) fn segment_passed(sight: &Sight) {
    // An acknowledgement and no more: nothing of a conversation, and every other packet is one.
    let ends = sight.segment.flags & (tcp_flag::FIN | tcp_flag::RST) != 0;
    if sight.payload_length() == 0 && !ends {
        return;
    }
    // SAFETY: a helper call on the context the kernel gave.
    let cookie = unsafe { bpf_get_socket_cookie(sight.skb.raw().cast()) };
    if cookie == 0 {
        return;
    }
    let known = flows::get(cookie);
    // A listening socket sees the segments of connections that are still being made: nothing of
    // them is a conversation yet.
    let Some(flow) = known.or_else(|| find(cookie, sight)) else {
        return;
    };
    // SAFETY: a valid pointer into the map; within one connection the turns of sender and
    // receiver follow from one another, so that two CPUs seldom meet here, and where they do a
    // count is off by one.
    let flow = unsafe { &mut *flow };
    if flow.state == state::ENDED {
        return;
    }
    if sight.payload_length() > 0 && flow.state != state::CONNECTING {
        payload_passed(cookie, flow, sight);
    }
    ending_passed(cookie, flow, sight);
}

/// Takes up a connection that was there before: who is the caller is told by the ports.
#[inline(always)]
fn find(cookie: u64, sight: &Sight) -> Option<*mut Flow> {
    if sight.payload_length() == 0 || sight.segment.flags & (tcp_flag::SYN | tcp_flag::RST) != 0 {
        return None;
    }
    let packet = &sight.packet;
    let (local_port, remote_port, remote) = if sight.outgoing {
        (
            packet.source_port,
            packet.destination_port,
            packet.destination,
        )
    } else {
        (packet.destination_port, packet.source_port, packet.source)
    };
    let client = local_port >= FIRST_EPHEMERAL_PORT && remote_port < FIRST_EPHEMERAL_PORT
        || local_port >= FIRST_EPHEMERAL_PORT && sight.outgoing;
    // SAFETY: a helper call on the context the kernel gave.
    let cgroup_id = unsafe { bpf_skb_cgroup_id(sight.skb.raw()) };
    let mut key = PeerKey {
        cgroup_id,
        protocol: protocol::TCP,
        ..PeerKey::default()
    };
    if client {
        key.address = remote;
        key.port = remote_port;
        key.role = role::CLIENT;
    } else {
        key.port = local_port;
        key.role = role::SERVER;
    }
    let peer = peers::slot_of(&key);
    let found = flows::begin(cookie)?;
    // SAFETY: a valid pointer into the map.
    let flow = unsafe { &mut *found };
    flow.peer = peer;
    flow.role = key.role;
    flow.state = state::IDLE;
    flow.flags = flag::FOUND;
    Some(found)
}

#[inline(always)]
fn payload_passed(cookie: u64, flow: &mut Flow, sight: &Sight) {
    let length = sight.payload_length();
    let counters = peers::counters_of(flow.peer);
    if !is_new(flow, sight, length) {
        if sight.outgoing {
            count!(counters, retransmits);
        }
        return;
    }
    if sight.outgoing {
        flow.bytes_out += u64::from(length);
        count!(counters, bytes_out, u64::from(length));
    } else {
        flow.bytes_in += u64::from(length);
        count!(counters, bytes_in, u64::from(length));
    }
    let towards_server = sight.outgoing == (flow.role == role::CLIENT);
    let payload = u32::from(sight.segment.payload);
    if towards_server {
        if flow.state != state::WAITING {
            asked(flow, sight, payload);
        }
    } else if flow.state == state::WAITING {
        answered(cookie, flow, sight, payload);
    } else if flow.state == state::IDLE {
        greeted(cookie, flow, sight, payload);
    }
}

/// A request's first byte passed; its first bytes are kept until it is answered.
#[inline(always)]
fn asked(flow: &mut Flow, sight: &Sight, payload: u32) {
    // SAFETY: a helper call without arguments.
    flow.since_ns = unsafe { bpf_ktime_get_ns() };
    flow.state = state::WAITING;
    flow.requests += 1;
    let to = (&raw mut flow.request).cast();
    // SAFETY: the room is that many bytes.
    flow.request_length = unsafe { sight.skb.load_up_to::<REQUEST_PREFIX>(payload, to) } as u8;
    count!(peers::counters_of(flow.peer), requests);
    gauges::rise(flow.peer);
}

/// An answer's first byte passed.
#[inline(always)]
fn answered(cookie: u64, flow: &mut Flow, sight: &Sight, payload: u32) {
    let subject = Subject::now(cookie, flow.peer);
    let latency_ns = subject.at_ns.saturating_sub(flow.since_ns);
    flow.state = state::ANSWERING;
    count!(peers::counters_of(flow.peer), answers);
    gauges::fall(flow.peer, 1);
    peers::record_latency(flow.peer, latency_ns);
    emit::call(subject, flow, latency_ns, &sight.skb, payload);
}

/// The server said something that nobody had asked for.
#[inline(always)]
fn greeted(cookie: u64, flow: &mut Flow, sight: &Sight, payload: u32) {
    if flow.requests == 0 && flow.flags & (flag::GREETED | flag::FOUND) == 0 {
        flow.flags |= flag::GREETED;
        let subject = Subject::now(cookie, flow.peer);
        emit::greeting(subject, flow, &sight.skb, payload);
    }
}

/// Whether a segment carries the next bytes of its direction: what was sent before is a
/// retransmission, what comes out of turn waits for what it overtook.
#[inline(always)]
fn is_new(flow: &mut Flow, sight: &Sight, length: u32) -> bool {
    let bit = if sight.outgoing { 1 } else { 2 };
    let next = if sight.outgoing {
        flow.next_out
    } else {
        flow.next_in
    };
    let end = sight.segment.sequence.wrapping_add(length);
    if flow.sequenced & bit != 0 {
        let ahead = end.wrapping_sub(next) as i32;
        if ahead <= 0 {
            return false;
        }
    }
    flow.sequenced |= bit;
    if sight.outgoing {
        flow.next_out = end;
    } else {
        flow.next_in = end;
    }
    true
}

/// Looks for the sign that a connection ends.
#[inline(always)]
fn ending_passed(cookie: u64, flow: &mut Flow, sight: &Sight) {
    let flags = sight.segment.flags;
    let how = if flags & tcp_flag::RST != 0 {
        if flow.state == state::CONNECTING {
            ending::REFUSED
        } else if sight.outgoing {
            ending::RESET_SENT
        } else {
            ending::RESET_RECEIVED
        }
    } else if flags & tcp_flag::FIN != 0 {
        if sight.outgoing {
            ending::FIN_SENT
        } else {
            ending::FIN_RECEIVED
        }
    } else {
        return;
    };
    // A caller may say that it has nothing more to ask and still wait for the answer; that it
    // left is told by the reset that meets the answer, or by the socket's end. Callers that do
    // this are rare, callers that close are not: a close counts as leaving.
    connection::end(cookie, flow, how);
}
