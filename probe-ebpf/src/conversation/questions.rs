//! DNS over UDP: a question and its answer are a call, told apart by the socket, the message's
//! number and the far side. Of a message no more is read here than who asks whom, and by which
//! number.

use aya_ebpf::{
    EbpfContext,
    helpers::{
        bpf_ktime_get_ns,
        generated::{bpf_get_socket_cookie, bpf_skb_cgroup_id},
    },
};
use probe_common::{
    address::{Address, protocol},
    event::REQUEST_PREFIX,
    flow::{PeerKey, role},
    question::{Asker, DNS_PORT, GIVEN_UP_NS, MOST_OPEN, Question, QuestionKey},
};
use probe_ebpf::packet::{Packet, Source};

use super::Caller;
use crate::{
    atomic,
    emit::{self, Subject},
    maps::{count_shared, gauges, peers, questions},
    skb::Skb,
};

const UDP_HEADER: u32 = 8;

/// A UDP socket was made.
#[inline(always)]
pub(crate) fn socket_made(cookie: u64, maker: &Caller) {
    if let Some(asker) = questions::begin_asker(cookie) {
        // SAFETY: a valid pointer into the map; nobody else knows of the socket.
        unsafe {
            (*asker).pid = maker.pid;
            (*asker).cgroup_id = maker.cgroup_id;
            (*asker).netns_cookie = maker.netns_cookie;
        }
    }
}

/// A process is about to ask a DNS server, or to connect to it so as to ask it.
#[inline(always)]
pub(crate) fn asking<C: EbpfContext>(ctx: &C, cookie: u64, caller: &Caller, remote: Address) {
    let known = questions::asker(cookie).or_else(|| questions::begin_asker(cookie));
    let Some(asker) = known else {
        return;
    };
    // SAFETY: a valid pointer into the map; of two that write at once, the later one is right.
    unsafe {
        (*asker).pid = caller.pid;
        (*asker).cgroup_id = caller.cgroup_id;
        (*asker).netns_cookie = caller.netns_cookie;
        if (*asker).told_pid == caller.pid {
            return;
        }
        (*asker).told_pid = caller.pid;
    }
    let peer = peers::slot_of(&PeerKey {
        address: remote,
        netns_cookie: caller.netns_cookie,
        cgroup_id: caller.cgroup_id,
        pid: caller.pid,
        port: DNS_PORT,
        role: role::CLIENT,
        protocol: protocol::UDP,
    });
    let subject = Subject::now(cookie, peer);
    emit::connect(subject, ctx, caller, remote, DNS_PORT);
}

/// A UDP packet left its sender's socket, or reached its receiver's. Not inlined: its stack is
/// its own then.
#[inline(never)]
pub(crate) fn datagram_passed(skb: &Skb, packet: &Packet, outgoing: bool) {
    if packet.later_fragment {
        return;
    }
    let payload = u32::from(packet.transport) + UDP_HEADER;
    let Some(head) = skb.copy::<8>(payload as usize) else {
        return;
    };
    let answers = head[2] & 0x80 != 0;
    let (local_port, remote_port, remote) = if outgoing {
        (
            packet.source_port,
            packet.destination_port,
            &packet.destination,
        )
    } else {
        (packet.destination_port, packet.source_port, &packet.source)
    };
    let is_client = outgoing != answers;
    if (if is_client { remote_port } else { local_port }) != DNS_PORT {
        return;
    }
    // SAFETY: a helper call on the context the kernel gave.
    let cookie = unsafe { bpf_get_socket_cookie(skb.raw().cast()) };
    if cookie == 0 {
        return;
    }
    let id = u16::from_be_bytes([head[0], head[1]]);
    let key = QuestionKey::new(cookie, id, remote, remote_port);
    if answers {
        answered(&key, skb, payload, head);
    } else {
        let role = if is_client {
            role::CLIENT
        } else {
            role::SERVER
        };
        asked(&key, role, remote, skb, payload);
    }
}

#[inline(always)]
fn asked(key: &QuestionKey, role: u8, remote: &Address, skb: &Skb, payload: u32) {
    // SAFETY: a helper call without arguments.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    if let Some(known) = questions::get(key) {
        // SAFETY: a valid pointer into the map.
        let (began_ns, peer) = unsafe { ((*known).began_ns, (*known).peer) };
        if now_ns.saturating_sub(began_ns) < GIVEN_UP_NS {
            if role == role::CLIENT {
                count_shared!(peers::figures_of(peer).counters(), retransmits);
            }
            return;
        }
        // The number is used again: nobody waits for the answer to the other one any more.
        given_up(key, known, now_ns);
    }
    let asker = questions::asker(key.cookie).or_else(|| questions::begin_asker(key.cookie));
    let Some(asker) = asker else {
        return;
    };
    let peer = peers::slot_of(&peer_of(asker, role, remote, skb));
    let Some(question) = questions::begin(key) else {
        return;
    };
    // SAFETY: valid pointers into the maps; the room for the request is that many bytes.
    unsafe {
        (*asker).questions += 1;
        (*question).began_ns = now_ns;
        (*question).peer = peer;
        (*question).number = (*asker).questions;
        (*question).role = role;
        let to = (&raw mut (*question).request).cast();
        (*question).request_length = skb.load_up_to::<REQUEST_PREFIX>(payload, to) as u8;
        (*question).waiting = 1;
    }
    let figures = peers::figures_of(peer);
    let counters = figures.counters();
    count_shared!(counters, requests);
    let bytes = u64::from(skb.len().saturating_sub(payload));
    if role == role::CLIENT {
        count_shared!(counters, bytes_out, bytes);
        gauges::rise(figures);
        remember(asker, key, now_ns);
    } else {
        count_shared!(counters, bytes_in, bytes);
    }
}

/// Who a question is laid to.
#[inline(always)]
fn peer_of(asker: *mut Asker, role: u8, remote: &Address, skb: &Skb) -> PeerKey {
    // SAFETY: a valid pointer into the map.
    let (netns_cookie, mut cgroup_id, pid) =
        unsafe { ((*asker).netns_cookie, (*asker).cgroup_id, (*asker).pid) };
    let mut key = PeerKey {
        netns_cookie,
        port: DNS_PORT,
        role,
        protocol: protocol::UDP,
        ..PeerKey::default()
    };
    if role == role::CLIENT {
        if cgroup_id == 0 {
            // SAFETY: a helper call on the context the kernel gave.
            cgroup_id = unsafe { bpf_skb_cgroup_id(skb.raw()) };
        }
        key.address = *remote;
        key.cgroup_id = cgroup_id;
        key.pid = pid;
    }
    key
}

/// Notes that a socket waits for an answer, so that what it never got is told when it is closed.
#[inline(always)]
fn remember(asker: *mut Asker, key: &QuestionKey, now_ns: u64) {
    if questions::replace_open(asker, 0, key.number) {
        return;
    }
    // All places are taken. One of them is looked at each time whether it still waits in earnest.
    // SAFETY: a valid pointer into the map; the place lies within.
    let place = unsafe {
        let place = (*asker).questions as usize & (MOST_OPEN - 1);
        (&raw mut (*asker).open).cast::<u64>().add(place)
    };
    // SAFETY: as above.
    let other = QuestionKey {
        cookie: key.cookie,
        number: unsafe { core::ptr::read_volatile(place) },
    };
    if let Some(question) = questions::get(&other) {
        // SAFETY: a valid pointer into the map.
        if now_ns.saturating_sub(unsafe { (*question).began_ns }) < GIVEN_UP_NS {
            return;
        }
        given_up(&other, question, now_ns);
    }
    // SAFETY: as above; changed by atomic operations only.
    unsafe { atomic::replace(place, other.number, key.number) };
}

#[inline(always)]
fn answered(key: &QuestionKey, skb: &Skb, payload: u32, head: [u8; 8]) {
    let Some(question) = questions::get(key) else {
        return;
    };
    if !take(question) {
        return;
    }
    // SAFETY: a valid pointer into the map; who took a question has it to itself.
    let (peer, role, began_ns) =
        unsafe { ((*question).peer, (*question).role, (*question).began_ns) };
    let subject = Subject::now(key.cookie, peer);
    let latency_ns = subject.at_ns.saturating_sub(began_ns);
    let figures = peers::figures_of(peer);
    let counters = figures.counters();
    count_shared!(counters, answers);
    figures.record_latency(latency_ns);
    let bytes = u64::from(skb.len().saturating_sub(payload));
    emit::question_answered(subject, question, latency_ns, skb, payload);
    questions::forget(key);
    if role != role::CLIENT {
        count_shared!(counters, bytes_out, bytes);
        return;
    }
    count_shared!(counters, bytes_in, bytes);
    gauges::fall(figures, 1);
    if let Some(asker) = questions::asker(key.cookie) {
        questions::replace_open(asker, key.number, 0);
    }
    let [_, _, _, flags, _, _, answers @ ..] = head;
    if flags & 0xf == 0 && answers != [0, 0] {
        emit::message(subject, skb, payload);
    }
}

/// Whether it is this one's to tell how a question ended.
#[inline(always)]
fn take(question: *mut Question) -> bool {
    // SAFETY: a valid pointer into the map; the word is changed by atomic operations only, once
    // it is one.
    unsafe { atomic::replace(&raw mut (*question).waiting, 1, 0) }
}

/// A UDP socket is closed: what it still waited for is abandoned.
#[inline(always)]
pub(crate) fn socket_gone(cookie: u64) {
    let Some(asker) = questions::asker(cookie) else {
        return;
    };
    // SAFETY: a helper call without arguments.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    for place in 0..MOST_OPEN {
        // SAFETY: a valid pointer into the map; the place lies within.
        let number =
            unsafe { core::ptr::read_volatile((&raw mut (*asker).open).cast::<u64>().add(place)) };
        let key = QuestionKey { cookie, number };
        if number != 0
            && let Some(question) = questions::get(&key)
        {
            given_up(&key, question, now_ns);
        }
    }
    questions::forget_asker(cookie);
}

/// Nobody waits for a question's answer any more.
#[inline(always)]
fn given_up(key: &QuestionKey, question: *mut Question, now_ns: u64) {
    if !take(question) {
        return;
    }
    // SAFETY: a valid pointer into the map; who took a question has it to itself.
    let (peer, role) = unsafe { ((*question).peer, (*question).role) };
    // That a server doesn't answer is nothing that its client did.
    if role == role::CLIENT {
        let figures = peers::figures_of(peer);
        count_shared!(figures.counters(), abandoned);
        gauges::fall(figures, 1);
        let subject = Subject::at(key.cookie, peer, now_ns);
        emit::question_given_up(subject, question);
    }
    questions::forget(key);
}
