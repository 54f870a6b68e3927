//! More than there is memory for, and what goes first.

use probe_common::{
    address::{Address, protocol},
    counters::PeerCounters,
    event::{ConnectEvent, Event, EventHeader, MessageEvent, MessageHead},
    flow::role,
};

use super::*;
use crate::model::{Call, Histogram, Outcome};

const SECOND_NS: u64 = 1_000_000_000;

fn peer(pid: u32, last: u8) -> PeerKey {
    PeerKey {
        address: Address::from_v4([10, 0, 0, last]),
        netns_cookie: 1,
        pid,
        port: 80,
        role: role::CLIENT,
        protocol: protocol::TCP,
        ..PeerKey::default()
    }
}

fn connect(model: &mut Model, pid: u32, at_ns: u64) {
    let event = ConnectEvent {
        header: EventHeader {
            at_ns,
            ..EventHeader::default()
        },
        pid,
        tid: pid,
        comm: *b"curl\0\0\0\0\0\0\0\0\0\0\0\0",
        cgroup_id: 0,
        netns_cookie: 1,
        remote: Address::default(),
        remote_port: 80,
        pad: [0; 6],
    };
    model.observe(&Event::Connect(event), Some(&peer(pid, 1)));
}

fn ok(ended_ns: u64) -> Call {
    Call {
        ended_ns,
        waited_ns: 1_000_000,
        outcome: Outcome::Ok,
        ..Call::default()
    }
}

fn counted(answers: u64, abandoned: u64) -> Counted {
    let mut latency = Histogram::default();
    (0..answers).for_each(|_| latency.record(1_000));
    Counted {
        counters: PeerCounters {
            requests: answers + abandoned,
            answers,
            abandoned,
            ..PeerCounters::default()
        },
        latency,
    }
}

#[test]
fn the_party_idle_longest_makes_room_and_is_counted() {
    let mut model = Model::default();
    let most = MOST_PARTIES as u32;
    (1..=most).for_each(|pid| connect(&mut model, pid, u64::from(pid)));
    model.dependencies[1].party.history.record(&ok(5));
    // The first one is heard of again, so that the second is idle longest.
    connect(&mut model, 1, u64::from(most) + 1);
    assert_eq!(model.forgotten(), Forgotten::default());
    connect(&mut model, most + 1, u64::from(most) + 2);
    let forgotten = model.forgotten();
    assert_eq!((forgotten.parties, forgotten.party_calls), (1, 1));
    let pids: Vec<u32> = model.dependencies().iter().map(|it| it.pid).collect();
    assert_eq!(pids.len(), MOST_PARTIES);
    assert!(pids.contains(&1) && !pids.contains(&2) && pids.contains(&(most + 1)));
    // It is somebody else's place now: what the forgotten one had counted isn't theirs.
    connect(&mut model, 2, u64::from(most) + 3);
    assert_eq!(model.forgotten().parties, 2);
}

#[test]
fn processes_and_peers_stay_bounded() {
    let mut model = Model::default();
    for pid in 1..20_000 {
        connect(&mut model, pid, u64::from(pid));
        assert!(model.processes.len() <= MOST_PROCESSES);
        assert!(model.parties.len() <= MOST_PEERS);
    }
    assert_eq!(model.dependencies().len(), MOST_PARTIES);
}

#[test]
fn what_a_returned_slot_had_counted_is_added_to_the_next_ones() {
    let mut model = Model::default();
    connect(&mut model, 7, 1);
    model.fold(&peer(7, 1), &counted(10, 1));
    // The same peer again, by another slot.
    connect(&mut model, 7, 2);
    model.settle(&[(peer(7, 1), counted(5, 2))], true);
    let total = model.dependencies()[0].party.history.total();
    assert_eq!(model.dependencies().len(), 1);
    assert_eq!((total.calls, total.abandoned), (18, 3));
    assert_eq!(total.latency.count(), 15);
    assert_eq!(total.ok, 0, "no event told of any");
}

#[test]
fn totals_are_those_of_events_where_none_was_lost() {
    let mut model = Model::default();
    connect(&mut model, 7, 1);
    model.dependencies[0].party.history.record(&ok(1));
    model.settle(&[(peer(7, 1), counted(5, 0))], false);
    let party = &model.dependencies()[0].party;
    assert_eq!(party.history.total().calls, 1);
    assert_eq!(party.counted.counters.answers, 5);
}

#[test]
fn calls_by_their_time_are_forgotten_the_oldest_first_and_counted() {
    let mut model = Model::default();
    connect(&mut model, 7, 1);
    connect(&mut model, 8, 1);
    let slices = MOST_SLICES as u64 / 2 + 1;
    for slice in 0..slices {
        for dependency in &mut model.dependencies {
            dependency.party.last_ns = slice * SLICE_NS;
            dependency.party.history.record(&ok(slice * SLICE_NS));
        }
    }
    model.forget_before(0);
    let forgotten = model.forgotten().calls;
    assert!(forgotten > 0);
    let window = model.dependencies[0].party.history.window(0, u64::MAX);
    assert_eq!(2 * window.calls + forgotten, 2 * slices);
    assert_eq!(model.dependencies[0].party.history.total().calls, slices);
    let first = model.dependencies[0].party.history.window(0, SECOND_NS);
    assert_eq!(first.calls, 0, "the oldest ones went");
}

#[test]
fn what_a_dns_server_answered_names_what_is_called_next() {
    let message = b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\
        \x08Payments\x04shop\x00\x00\x01\x00\x01\
        \xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01";
    let mut model = Model::default();
    let event = Event::Message(MessageEvent {
        head: MessageHead::default(),
        bytes: message,
    });
    assert_eq!(model.observe(&event, None), None);
    connect(&mut model, 7, 1);
    assert_eq!(model.dependencies()[0].name, "payments.shop");
}
