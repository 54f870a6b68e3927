//! Requests and answers, told from the direction of payload.

use aya_ebpf::helpers::generated::{bpf_get_socket_cookie, bpf_skb_cgroup_id};
use probe_common::{
    address::protocol,
    event::ending,
    flow::{Flow, PeerKey, flag, role, state},
};
use probe_ebpf::packet::{Packet, Segment, tcp_flag};

use super::connection;
use crate::{
    emit::{self, Subject},
    maps::{count, flows, peers},
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

    /// Near and far port.
    #[inline(always)]
    fn ports(&self) -> (u16, u16) {
        let (source, destination) = (self.packet.source_port, self.packet.destination_port);
        if self.outgoing {
            (source, destination)
        } else {
            (destination, source)
        }
    }
}

/// A segment left its sender's socket, or reached its receiver's.
#[inline(always)]
pub(crate) fn segment_passed(sight: &Sight) {
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
        keep_slot(flow, sight);
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
    let (local_port, remote_port) = sight.ports();
    let client = local_port >= FIRST_EPHEMERAL_PORT && remote_port < FIRST_EPHEMERAL_PORT
        || local_port >= FIRST_EPHEMERAL_PORT && sight.outgoing;
    let mut flow = Flow {
        role: if client { role::CLIENT } else { role::SERVER },
        state: state::IDLE,
        flags: flag::FOUND,
        ..Flow::default()
    };
    flow.peer = peers::slot_of(&peer_of(&flow, sight));
    flows::put(cookie, &flow)
}

/// Who a connection's segments are laid to, as far as they tell.
#[inline(always)]
fn peer_of(flow: &Flow, sight: &Sight) -> PeerKey {
    let (local_port, remote_port) = sight.ports();
    let mut key = PeerKey {
        netns_cookie: flow.netns_cookie,
        pid: flow.pid,
        role: flow.role,
        protocol: protocol::TCP,
        ..PeerKey::default()
    };
    if flow.role == role::CLIENT {
        key.address = if sight.outgoing {
            sight.packet.destination
        } else {
            sight.packet.source
        };
        key.port = remote_port;
    } else {
        key.port = local_port;
    }
    if flow.role == role::CLIENT || flow.netns_cookie == 0 {
        // SAFETY: a helper call on the context the kernel gave.
        key.cgroup_id = unsafe { bpf_skb_cgroup_id(sight.skb.raw()) };
    }
    key
}

/// Gives a connection's peer a slot again where it was idle for so long that it lost it.
#[inline(always)]
fn keep_slot(flow: &mut Flow, sight: &Sight) {
    let begins = flow.state != state::WAITING;
    if begins && (flow.peer == 0 || !peers::is_current(flow.peer)) {
        flow.peer = peers::slot_of(&peer_of(flow, sight));
    }
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
        if flow.state == state::WAITING {
            return;
        }
        let subject = Subject::now(cookie, flow.peer);
        flow.state = state::WAITING;
        flow.since_ns = subject.at_ns;
        flow.requests += 1;
        count!(counters, requests);
        emit::request(subject, flow, &sight.skb, payload);
    } else if flow.state == state::WAITING {
        let subject = Subject::now(cookie, flow.peer);
        let latency_ns = subject.at_ns.saturating_sub(flow.since_ns);
        flow.state = state::ANSWERING;
        count!(counters, answers);
        peers::record_latency(flow.peer, latency_ns);
        emit::answer(subject, flow, latency_ns, &sight.skb, payload);
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
