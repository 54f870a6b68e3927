//! Sends events: take room, fill it, show it, and count those that found none. What is of a fixed
//! length goes into this CPU's tray; what carries a piece of the traffic, into the ring.

mod framed;
mod questions;

use aya_ebpf::{EbpfContext, helpers::bpf_ktime_get_ns, maps::ring_buf::RingBufEntry};
use probe_common::{
    address::Address,
    event::{
        ANSWER_PREFIX, CallEvent, CloseEvent, ConnectEvent, EstablishedEvent, EventHeader,
        GREETING_PREFIX, GreetingEvent, kind,
    },
    flow::Flow,
};

use crate::{
    maps::{count_shared, counters, ring, trays},
    skb::Skb,
};

pub(crate) use framed::{frame, frames_missing, hello};
pub(crate) use questions::{message, question_answered, question_given_up};

/// Submits without waking the reader, who comes by often enough of its own accord: a wake-up a
/// call would cost more than the call's event.
const BPF_RB_NO_WAKEUP: u64 = 1;

/// Which connection an event is about.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) cookie: u64,
    pub(crate) peer: u32,
    pub(crate) at_ns: u64,
}

impl Subject {
    /// A connection, now.
    #[inline(always)]
    pub(crate) fn now(cookie: u64, peer: u32) -> Self {
        // SAFETY: a helper call without arguments.
        Self {
            cookie,
            peer,
            at_ns: unsafe { bpf_ktime_get_ns() },
        }
    }

    /// A connection, at a time that was read already.
    #[inline(always)]
    pub(crate) fn at(cookie: u64, peer: u32, at_ns: u64) -> Self {
        Self {
            cookie,
            peer,
            at_ns,
        }
    }

    #[inline(always)]
    fn header<T>(&self, kind: u16) -> EventHeader {
        EventHeader {
            kind,
            length: size_of::<T>() as u16,
            peer: self.peer,
            at_ns: self.at_ns,
            cookie: self.cookie,
        }
    }
}

/// Takes a place in this CPU's tray, lets `fill` write the event there, and shows it. Where the tray
/// is full there may be room in the ring, which serves all CPUs; half of it is left to pieces of
/// traffic, whose loss means more.
#[inline(always)]
fn emit<T: 'static>(fill: impl FnOnce(*mut T)) {
    // Counted atomically, and before anything else: that what was produced is what was delivered
    // and what was lost has to hold to the last event.
    count_shared!(counters::observer(), produced);
    if let Some(place) = trays::take() {
        fill(place.event());
        place.show();
    } else {
        through_ring(fill, ring::reserve_of_half);
    }
}

/// The same for pieces of traffic, which may be too long for a place. All of them go through the
/// ring: those of one packet happened at the same time, and are in order there.
#[inline(always)]
fn emit_piece<T: 'static>(fill: impl FnOnce(*mut T)) {
    count_shared!(counters::observer(), produced);
    through_ring(fill, ring::reserve);
}

#[inline(always)]
fn through_ring<T: 'static>(
    fill: impl FnOnce(*mut T),
    reserve: impl FnOnce() -> Option<RingBufEntry<T>>,
) {
    let Some(mut entry) = reserve() else {
        count_shared!(counters::observer(), lost);
        return;
    };
    fill(entry.as_mut_ptr());
    entry.submit(BPF_RB_NO_WAKEUP);
}

#[inline(always)]
pub(crate) fn connect<C: EbpfContext>(
    subject: Subject,
    ctx: &C,
    caller: &crate::conversation::Caller,
    remote: Address,
    remote_port: u16,
) {
    emit::<ConnectEvent>(|event| {
        // SAFETY: `event` points at room for one.
        unsafe {
            (*event).header = subject.header::<ConnectEvent>(kind::CONNECT);
            (*event).pid = ctx.tgid();
            (*event).tid = ctx.pid();
            (*event).comm = ctx.command().unwrap_or_default();
            (*event).cgroup_id = caller.cgroup_id;
            (*event).netns_cookie = caller.netns_cookie;
            (*event).remote = remote;
            (*event).remote_port = remote_port;
            (*event).pad = [0; 6];
        }
    });
}

/// Both ends of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) local: Address,
    pub(crate) remote: Address,
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
}

#[inline(always)]
pub(crate) fn established(subject: Subject, role: u8, connect_ns: u64, ends: &Ends) {
    emit::<EstablishedEvent>(|event| {
        // SAFETY: `event` points at room for one.
        unsafe {
            (*event).header = subject.header::<EstablishedEvent>(kind::ESTABLISHED);
            (*event).connect_ns = connect_ns;
            (*event).local = ends.local;
            (*event).remote = ends.remote;
            (*event).local_port = ends.local_port;
            (*event).remote_port = ends.remote_port;
            (*event).role = role;
            (*event).pad = [0; 3];
        }
    });
}

#[inline(always)]
pub(crate) fn call(subject: Subject, flow: &Flow, latency_ns: u64, skb: &Skb, payload: u32) {
    let rtt_us = skb.smoothed_rtt_us();
    emit::<CallEvent>(|event| {
        // SAFETY: `event` points at room for one; the request's words are as long as
        // its bytes, and both begin where words may.
        unsafe {
            (*event).header = subject.header::<CallEvent>(kind::CALL);
            (*event).latency_ns = latency_ns;
            (*event).number = flow.requests;
            (*event).rtt_us = rtt_us;
            (*event).role = flow.role;
            (*event).framing = flow.framing;
            (*event).request_length = flow.request_length;
            (*event).pad = 0;
            *(&raw mut (*event).request).cast() = flow.request;
            *(&raw mut (*event).answer).cast() = [0u64; ANSWER_PREFIX / 8];
            let to = (&raw mut (*event).answer).cast();
            (*event).answer_length = skb.load_up_to::<ANSWER_PREFIX>(payload, to) as u8;
        }
    });
}

#[inline(always)]
pub(crate) fn greeting(subject: Subject, flow: &Flow, skb: &Skb, payload: u32) {
    emit::<GreetingEvent>(|event| {
        // SAFETY: `event` points at room for one.
        unsafe {
            (*event).header = subject.header::<GreetingEvent>(kind::GREETING);
            (*event).role = flow.role;
            (*event).pad = [0; 6];
            *(&raw mut (*event).prefix).cast() = [0u64; GREETING_PREFIX / 8];
            let to = (&raw mut (*event).prefix).cast();
            (*event).prefix_length = skb.load_up_to::<GREETING_PREFIX>(payload, to) as u8;
        }
    });
}

#[inline(always)]
pub(crate) fn close(subject: Subject, flow: &Flow, ending: u8, waited_ns: u64, request_length: u8) {
    emit::<CloseEvent>(|event| {
        // SAFETY: as for a call.
        unsafe {
            (*event).header = subject.header::<CloseEvent>(kind::CLOSE);
            (*event).waited_ns = waited_ns;
            (*event).bytes_out = flow.bytes_out;
            (*event).bytes_in = flow.bytes_in;
            (*event).requests = flow.requests;
            (*event).ending = ending;
            (*event).role = flow.role;
            (*event).framing = flow.framing;
            (*event).request_length = request_length;
            *(&raw mut (*event).request).cast() = flow.request;
        }
    });
}
