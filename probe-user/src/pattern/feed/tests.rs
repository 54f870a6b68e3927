//! Calls of a model made by hand, and what the detectors come to know of them.

use probe_common::{
    address::Address,
    event::{ConnectEvent, Event, EventHeader},
    flow::{PeerKey, role},
};

use super::*;
use crate::model::{Names, Scope, ledger::FaultId, ledger::Ledger, ledger::Wire};
use crate::pattern::Verdict;

const MS: u64 = 1_000_000;

#[derive(Debug)]
struct Known(Vec<Spell>);

impl Ledger for Known {
    fn fault(&mut self, _: &Wire, _: u64, _: u64) -> FaultId {
        FaultId::NONE
    }
    fn refresh(&mut self) {}
    fn spells(&self) -> &[Spell] {
        &self.0
    }
    fn name(&self, id: FaultId) -> Option<&str> {
        (id != FaultId::NONE).then_some("blackhole")
    }
}

fn peer(pid: u32, last: u8) -> PeerKey {
    PeerKey {
        address: Address::from_v4([10, 0, 0, last]),
        netns_cookie: 1,
        pid,
        port: 80,
        role: role::CLIENT,
        protocol: 6,
        ..PeerKey::default()
    }
}

/// A model that knows callers of two far sides.
fn model(peers: &[PeerKey], spells: Vec<Spell>) -> Model {
    let mut model = Model::new(Scope::default(), Names::default());
    model.set_ledger(Box::new(Known(spells)));
    for peer in peers {
        let connect = Event::Connect(ConnectEvent {
            header: EventHeader::default(),
            pid: peer.pid,
            tid: peer.pid,
            comm: *b"shop\0\0\0\0\0\0\0\0\0\0\0\0",
            cgroup_id: 0,
            netns_cookie: 1,
            remote: peer.address,
            remote_port: 80,
            pad: [0; 6],
        });
        assert_eq!(model.observe(&connect, Some(peer)), None);
    }
    model
}

fn call(place: usize, began_ms: u64, ended_ms: u64, outcome: Outcome) -> Call {
    Call {
        party: Some(PartyIndex::Dependency(place)),
        cookie: began_ms,
        number: 1,
        began_ns: began_ms * MS,
        ended_ns: ended_ms * MS,
        waited_ns: (ended_ms - began_ms) * MS,
        outcome,
        fingerprint: began_ms,
        ..Call::default()
    }
}

/// Answered every 50 ms for two seconds, then given up after 400 ms each.
fn calls(feed: &mut Feed, model: &Model, fault: FaultId) {
    for n in 0..40 {
        feed.take(&call(0, 50 * n, 50 * n + 3, Outcome::Ok), model);
    }
    for n in 0..40 {
        let left = call(0, 2_000 + 50 * n, 2_400 + 50 * n, Outcome::Abandoned);
        feed.take(&Call { fault, ..left }, model);
    }
}

#[test]
fn who_leaves_after_one_and_the_same_time_has_a_timeout() {
    let spell = Spell {
        fault: FaultId(1),
        kind: "blackhole",
        from_ns: 1_990 * MS,
        to_ns: 4_000 * MS,
    };
    let model = model(&[peer(42, 7)], vec![spell]);
    let mut feed = Feed::new(Settings::default());
    calls(&mut feed, &model, FaultId(1));
    feed.look(&model, 0, 5_000 * MS);
    let news = feed.judge(5_000 * MS);
    let (found, _) = feed.findings().next().unwrap();
    assert_eq!(found.timeout.ground.verdict, Verdict::Observed);
    assert_eq!(found.timeout.value_ms, Some(400.0));
    let to = model.dependencies()[0].number;
    assert_eq!(feed.faults_on(to), [(1_990 * MS, 4_000 * MS)]);
    let told: Vec<_> = news.iter().map(|it| (it.pattern, it.verdict)).collect();
    assert!(told.contains(&("timeout", Verdict::Observed)), "{told:?}");
    // What is as it was is no news.
    assert_eq!(feed.settle(5_100 * MS), []);
}

#[test]
fn a_dependency_that_moves_keeps_its_record() {
    let mut model = model(&[peer(42, 7), peer(42, 8)], Vec::new());
    let mut feed = Feed::new(Settings::default());
    calls(&mut feed, &model, FaultId::NONE);
    let first = model.dependencies()[0].number;
    // Both addresses turn out to be of one name: the first becomes the second.
    model.learn([10, 0, 0, 8].into(), "payments", u64::MAX);
    model.learn([10, 0, 0, 7].into(), "payments", u64::MAX);
    assert_eq!(model.dependencies().len(), 1);
    let into = model.dependencies()[0].number;
    assert_ne!(first, into);
    feed.look(&model, 0, 5_000 * MS);
    feed.judge(5_000 * MS);
    let found: Vec<_> = feed.findings().map(|it| it.0).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].dependency, into);
    assert_eq!(found[0].timeout.ground.verdict, Verdict::Observed);
    let sheet = &crate::pattern::sheets(&feed, &model)[0];
    assert_eq!(sheet.name(), "shop → payments");
}

#[test]
fn a_caller_that_nobody_knows_is_left_out_and_counted() {
    let model = model(&[peer(0, 7)], Vec::new());
    let mut feed = Feed::new(Settings::default());
    calls(&mut feed, &model, FaultId::NONE);
    feed.settle(5_000 * MS);
    assert_eq!(feed.findings().count(), 0);
    assert_eq!(feed.missing().unattributed, 80);
}

#[test]
fn a_connection_made_long_before_is_no_part_of_a_call() {
    let made = |connected_ms, established_ms, began_ms| {
        connected_for(&Call {
            connected_ns: connected_ms * MS,
            established_ns: established_ms * MS,
            began_ns: began_ms * MS,
            number: 1,
            ..Call::default()
        })
    };
    assert_eq!(made(100, 101, 102), 2 * MS);
    // Under a delay, with a handshake of TLS.
    assert_eq!(made(100, 300, 850), 750 * MS);
    assert_eq!(made(100, 101, 5_000), 0);
    assert_eq!(made(0, 0, 100), 0);
}

#[test]
fn a_connection_that_lay_idle_was_made_for_another_call() {
    let connected = |protocol, idle_ms: u64| {
        connected_for(&Call {
            protocol,
            connected_ns: 1_000 * MS,
            established_ns: 3_000 * MS,
            began_ns: (3_000 + idle_ms) * MS,
            ..call(0, 0, 0, Outcome::Ok)
        }) / MS
    };
    assert_eq!(connected(Protocol::Http1, 20), 2_020);
    assert_eq!(connected(Protocol::Http1, 500), 0);
    // TLS has its own handshake first, which takes as long as connecting did.
    assert_eq!(connected(Protocol::Tls, 4_000), 6_000);
    assert_eq!(connected(Protocol::Tls, 7_000), 0);
}
