//! Which calls of a service its scenario doesn't know of.

use probe_common::{
    address::Address,
    event::{EstablishedEvent, Event},
    flow::{PeerKey, role},
};

use super::super::{
    Model, Names, Process, Scope,
    tests::{client, header, heard, payments, server},
};
use super::{Undeclared, undeclared};

fn to(address: [u8; 4], port: u16) -> PeerKey {
    PeerKey {
        address: Address::from_v4(address),
        port,
        ..client()
    }
}

fn listening_on_8080() -> Scope {
    Scope {
        listen: Some(8080),
        ..Scope::default()
    }
}

fn model(scope: Scope, names: Names, peers: &[PeerKey]) -> Model {
    let mut model = Model::new(scope, names);
    for (cookie, peer) in peers.iter().enumerate() {
        model.observe(&heard(1, cookie as u64 + 1, peer.role), Some(peer));
    }
    model
}

fn process(command: &str) -> Process {
    Process {
        command: command.into(),
        cgroup: "/shop".into(),
    }
}

fn names(found: &[Undeclared]) -> Vec<String> {
    found.iter().map(Undeclared::words).collect()
}

#[test]
fn what_no_dependency_covers_is_found_and_a_resolver_is_one() {
    let peers = [
        to([10, 0, 0, 7], 80),
        to([10, 0, 0, 7], 6379),
        to([127, 0, 0, 53], 53),
    ];
    let model = model(listening_on_8080(), payments(), &peers);
    let found = undeclared(&model);
    assert_eq!(names(&found), ["10.0.0.7:6379", "127.0.0.53:53"]);
}

#[test]
fn several_processes_of_a_service_make_one_of_it() {
    let mut other = to([10, 0, 0, 8], 80);
    other.pid = 43;
    let peers = [to([10, 0, 0, 8], 80), other];
    let model = model(Scope::default(), payments(), &peers);
    assert_eq!(undeclared(&model).len(), 1);
}

#[test]
fn what_others_call_is_not_the_services() {
    let mut other = to([10, 0, 0, 9], 80);
    other.pid = 43;
    let mut worker = to([10, 0, 0, 10], 80);
    worker.pid = 44;
    let peers = [server(), to([10, 0, 0, 8], 80), other, worker];
    let mut model = model(listening_on_8080(), payments(), &peers);
    // While nobody knows who serves the port, it may be any of them.
    assert_eq!(undeclared(&model).len(), 3);
    model.name_process(42, process("shop"));
    model.name_process(43, process("cron"));
    model.name_process(44, process("shop"));
    model.name_service(1, 8080, 42, process("shop"));
    assert_eq!(names(&undeclared(&model)), ["10.0.0.10:80", "10.0.0.8:80"]);
    let by_process = Scope {
        process: Some("43".into()),
        ..Scope::default()
    };
    let mut model = super::tests::model(by_process, payments(), &peers);
    model.name_process(43, process("cron"));
    assert_eq!(names(&undeclared(&model)), ["10.0.0.9:80"]);
}

#[test]
fn calls_to_itself_are_none() {
    let own = to([10, 0, 0, 1], 8080);
    let peers = [server(), to([127, 0, 0, 1], 8080), own];
    let mut model = model(listening_on_8080(), payments(), &peers);
    assert_eq!(names(&undeclared(&model)), ["10.0.0.1:8080"]);
    let reached = Event::Established(EstablishedEvent {
        header: header(1, 9),
        connect_ns: 0,
        local: Address::from_v4([10, 0, 0, 1]),
        remote: Address::from_v4([10, 0, 0, 2]),
        local_port: 8080,
        remote_port: 40_000,
        role: role::SERVER,
        pad: [0; 3],
    });
    model.observe(&reached, Some(&server()));
    assert_eq!(undeclared(&model), []);
}
