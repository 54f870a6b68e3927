//! Requests and answers, told from the direction of payload.

use aya_ebpf::helpers::{
    bpf_ktime_get_ns,
    generated::{bpf_get_socket_cookie, bpf_skb_cgroup_id},
};
use probe_common::{
    address::protocol,
    event::{REQUEST_PREFIX, ending},
    flow::{Flow, PeerKey, flag, framing, role, state},
};
use probe_ebpf::packet::{Packet, Segment, tcp_flag};

use super::{connection, framed, receipt};
use crate::{
    emit::{self, Subject},
    maps::{
        count_shared, flows, gauges,
        peers::{self, Figures},
    },
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
    // Its end is told all the same.
    // SAFETY: a valid pointer into the map.
    if !ends && peers::is_unwanted(unsafe { (*flow).peer }) {
        return;
    }
    let ours = !sight.outgoing && receipt::begin(flow);
    seen(cookie, flow, sight);
    if ours {
        receipt::over(flow);
    }
}

#[inline(always)]
fn seen(cookie: u64, flow: *mut Flow, sight: &Sight) {
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
    let (local_port, remote_port) = sight.ports();
    let client = local_port >= FIRST_EPHEMERAL_PORT && remote_port < FIRST_EPHEMERAL_PORT
        || local_port >= FIRST_EPHEMERAL_PORT && sight.outgoing;
    let found = flows::begin(cookie)?;
    // SAFETY: a valid pointer into the map.
    let flow = unsafe { &mut *found };
    flow.role = if client { role::CLIENT } else { role::SERVER };
    flow.state = state::IDLE;
    flow.flags = flag::FOUND;
    flow.peer = peers::slot_of(&peer_of(flow, sight));
    Some(found)
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

/// A connection's figures; its peer has a slot again where it was idle for so long that it lost it.
#[inline(always)]
fn figures_of(flow: &mut Flow, sight: &Sight) -> Figures {
    let known = peers::figures_of(flow.peer);
    let begins = flow.state != state::WAITING;
    if !begins || !known.are_nobodys() {
        return known;
    }
    flow.peer = peers::slot_of(&peer_of(flow, sight));
    peers::figures_of(flow.peer)
}

#[inline(always)]
fn payload_passed(cookie: u64, flow: &mut Flow, sight: &Sight) {
    let length = sight.payload_length();
    let figures = figures_of(flow, sight);
    let counters = figures.counters();
    let place = place_of(flow, sight, length);
    if !sight.outgoing
        && flow.framing == framing::HTTP2
        && matches!(place, Place::Old | Place::Overlapping(_))
    {
        framed::came_late(cookie, flow, sight);
    }
    if let Place::Old = place {
        if sight.outgoing {
            count_shared!(counters, retransmits);
        }
        return;
    }
    if sight.outgoing {
        flow.bytes_out += u64::from(length);
        count_shared!(counters, bytes_out, u64::from(length));
    } else {
        flow.bytes_in += u64::from(length);
        count_shared!(counters, bytes_in, u64::from(length));
    }
    let towards_server = sight.outgoing == (flow.role == role::CLIENT);
    let payload = u32::from(sight.segment.payload);
    if is_divided(cookie, flow, sight, towards_server) {
        framed::walked(cookie, flow, sight, place, payload);
    } else if towards_server {
        if flow.state != state::WAITING {
            asked(flow, figures, sight, payload);
        }
    } else if flow.state == state::WAITING {
        answered(cookie, flow, figures, &sight.skb, payload);
    } else if flow.state == state::IDLE {
        greeted(cookie, flow, sight, payload);
    }
}

/// Whether a connection's bytes are divided, as far as is known with this segment.
#[inline(always)]
fn is_divided(cookie: u64, flow: &mut Flow, sight: &Sight, towards_server: bool) -> bool {
    if flow.framing != framing::TURNS {
        return true;
    }
    let payload = u32::from(sight.segment.payload);
    if towards_server {
        flow.state != state::WAITING && framed::recognised(cookie, flow, sight, payload)
    } else {
        flow.state == state::IDLE
            && flow.requests == 0
            && flow.flags & (flag::GREETED | flag::FOUND) == 0
            && framed::is_settings(flow, sight, payload)
    }
}

/// A request's first byte passed; its first bytes are kept until it is answered.
#[inline(always)]
fn asked(flow: &mut Flow, figures: Figures, sight: &Sight, payload: u32) {
    let to = (&raw mut flow.request).cast();
    // SAFETY: the room is that many bytes.
    flow.request_length = unsafe { sight.skb.load_up_to::<REQUEST_PREFIX>(payload, to) } as u8;
    // SAFETY: a helper call without arguments.
    begins_to_wait(flow, figures, unsafe { bpf_ktime_get_ns() });
}

/// A request's first byte passed, at a time; what it is isn't kept.
#[inline(always)]
pub(super) fn begins_to_wait(flow: &mut Flow, figures: Figures, now_ns: u64) {
    flow.since_ns = now_ns;
    flow.state = state::WAITING;
    flow.requests += 1;
    count_shared!(figures.counters(), requests);
    gauges::rise(figures);
}

/// An answer's first byte passed; it lies at `payload` of the packet.
#[inline(always)]
pub(super) fn answered(cookie: u64, flow: &mut Flow, figures: Figures, skb: &Skb, payload: u32) {
    let subject = Subject::now(cookie, flow.peer);
    let latency_ns = subject.at_ns.saturating_sub(flow.since_ns);
    flow.state = state::ANSWERING;
    count_shared!(figures.counters(), answers);
    gauges::fall(figures, 1);
    figures.record_latency(latency_ns);
    emit::call(subject, flow, latency_ns, skb, payload);
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

/// Where a segment's bytes stand among those of its direction.
pub(super) enum Place {
    /// They passed before: it is sent again.
    Old,
    /// They are the next ones.
    Next,
    /// So many of them passed before.
    Overlapping(u32),
    /// So many others belong before them, that haven't passed yet.
    Ahead(u32),
}

/// Finds where a segment stands: what comes out of turn takes the place of what it overtook.
#[inline(always)]
fn place_of(flow: &mut Flow, sight: &Sight, length: u32) -> Place {
    let bit = if sight.outgoing { 1 } else { 2 };
    let next = if sight.outgoing {
        flow.next_out
    } else {
        flow.next_in
    };
    let begin = sight.segment.sequence;
    let end = begin.wrapping_add(length);
    let mut place = Place::Next;
    if flow.sequenced & bit != 0 {
        if end.wrapping_sub(next) as i32 <= 0 {
            return Place::Old;
        }
        let missing = begin.wrapping_sub(next) as i32;
        if missing > 0 {
            place = Place::Ahead(missing.unsigned_abs());
        } else if missing < 0 {
            place = Place::Overlapping(missing.unsigned_abs());
        }
    }
    flow.sequenced |= bit;
    if sight.outgoing {
        flow.next_out = end;
    } else {
        flow.next_in = end;
    }
    place
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
