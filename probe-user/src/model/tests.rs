//! Events made by hand, and the calls they amount to.

use probe_common::{
    address::Address,
    event::{
        ANSWER_PREFIX, AnswerEvent, CloseEvent, EventHeader, REQUEST_PREFIX, RequestEvent, ending,
    },
    flow::PeerKey,
};

use super::*;
use crate::plan::Endpoint;

pub(super) const MS: u64 = 1_000_000;

pub(super) fn client() -> PeerKey {
    PeerKey {
        address: Address::from_v4([10, 0, 0, 7]),
        netns_cookie: 1,
        pid: 42,
        port: 80,
        role: role::CLIENT,
        protocol: 6,
        ..PeerKey::default()
    }
}

pub(super) fn server() -> PeerKey {
    PeerKey {
        netns_cookie: 1,
        port: 8080,
        role: role::SERVER,
        protocol: 6,
        ..PeerKey::default()
    }
}

pub(super) fn header(at_ms: u64, cookie: u64) -> EventHeader {
    EventHeader {
        at_ns: at_ms * MS,
        cookie,
        ..EventHeader::default()
    }
}

pub(super) fn request(at_ms: u64, cookie: u64, role: u8) -> Event {
    Event::Request(RequestEvent {
        header: header(at_ms, cookie),
        number: 1,
        role,
        prefix_length: 0,
        pad: 0,
        prefix: [0; REQUEST_PREFIX],
    })
}

pub(super) fn answer(at_ms: u64, cookie: u64, waited_ms: u64, role: u8, line: &[u8]) -> Event {
    let mut prefix = [0; ANSWER_PREFIX];
    prefix[..line.len()].copy_from_slice(line);
    Event::Answer(AnswerEvent {
        header: header(at_ms, cookie),
        latency_ns: waited_ms * MS,
        number: 1,
        role,
        prefix_length: line.len() as u8,
        pad: 0,
        prefix,
    })
}

pub(super) fn close(at_ms: u64, cookie: u64, waited_ms: u64, role: u8, ending: u8) -> Event {
    Event::Close(CloseEvent {
        header: header(at_ms, cookie),
        waited_ns: waited_ms * MS,
        bytes_out: 0,
        bytes_in: 0,
        requests: 1,
        ending,
        role,
        pad: 0,
    })
}

pub(super) fn payments() -> Names {
    let endpoint = Endpoint {
        address: Some([10, 0, 0, 7].into()),
        prefix: 32,
        port: Some(80),
    };
    Names::new(vec![(endpoint, "payments".into())])
}

#[test]
fn a_request_and_its_answer_are_a_call() {
    let mut model = Model::new(Scope::default(), payments());
    let peer = client();
    assert_eq!(
        model.observe(&request(10, 1, role::CLIENT), Some(&peer)),
        None
    );
    assert_eq!(model.dependencies()[0].party.in_flight, 1);
    let call = model
        .observe(
            &answer(15, 1, 5, role::CLIENT, b"HTTP/1.1 200 OK"),
            Some(&peer),
        )
        .unwrap();
    assert_eq!((call.outcome, call.status), (Outcome::Ok, Some(200)));
    let dependency = &model.dependencies()[0];
    assert_eq!(
        (dependency.name.as_str(), dependency.party.protocol()),
        ("payments", "http1")
    );
    assert_eq!(
        (dependency.party.in_flight, dependency.party.in_flight_max),
        (0, 1)
    );
    let p50 = model
        .dependency("payments", 0, 100 * MS)
        .latency
        .quantile_us(0.5)
        .unwrap();
    assert!(p50.abs_diff(5_000) <= 80, "{p50} µs is more than 1.6 % off");
}

#[test]
fn who_closes_while_an_answer_is_due_decides_what_it_was() {
    for (role, ending, outcome) in [
        (role::CLIENT, ending::FIN_SENT, Outcome::Abandoned),
        (role::CLIENT, ending::RESET_SENT, Outcome::Abandoned),
        (role::CLIENT, ending::RESET_RECEIVED, Outcome::Reset),
        (role::CLIENT, ending::FIN_RECEIVED, Outcome::Closed),
        (role::CLIENT, ending::REFUSED, Outcome::Refused),
        (role::CLIENT, ending::NO_CONNECTION, Outcome::ConnectTimeout),
        (role::SERVER, ending::FIN_RECEIVED, Outcome::Abandoned),
        (role::SERVER, ending::RESET_RECEIVED, Outcome::Abandoned),
        (role::SERVER, ending::FIN_SENT, Outcome::Closed),
        (role::SERVER, ending::RESET_SENT, Outcome::Reset),
    ] {
        let mut model = Model::default();
        let peer = if role == role::CLIENT {
            client()
        } else {
            server()
        };
        model.observe(&request(0, 1, role), Some(&peer));
        let call = model
            .observe(&close(500, 1, 500, role, ending), Some(&peer))
            .unwrap();
        assert_eq!(call.outcome, outcome, "role {role}, ending {ending}");
    }
}

#[test]
fn a_connection_that_closes_with_nothing_waiting_is_no_call() {
    let mut model = Model::default();
    let peer = client();
    model.observe(&request(0, 1, role::CLIENT), Some(&peer));
    model.observe(&answer(1, 1, 1, role::CLIENT, b"+PONG"), Some(&peer));
    assert_eq!(
        model.observe(&close(9, 1, 0, role::CLIENT, ending::FIN_SENT), Some(&peer)),
        None
    );
    assert_eq!(model.dependencies()[0].party.history.total().calls, 1);
    assert_eq!(model.dependencies()[0].party.protocol(), "unknown");
}

#[test]
fn what_is_out_of_scope_is_not_kept() {
    let scope = Scope {
        netns_cookie: Some(2),
        ..Scope::default()
    };
    let mut model = Model::new(scope, Names::default());
    model.observe(&request(0, 1, role::CLIENT), Some(&client()));
    model.observe(&request(0, 2, role::SERVER), Some(&server()));
    assert!(model.dependencies().is_empty() && model.services().is_empty());
}

#[test]
fn the_service_is_the_one_that_listens_where_the_scope_says() {
    let scope = Scope {
        listen: Some(8080),
        ..Scope::default()
    };
    let mut model = Model::new(scope, Names::default());
    let mut other = server();
    other.port = 9090;
    for (cookie, peer) in [(1, server()), (2, other)] {
        model.observe(&request(0, cookie, role::SERVER), Some(&peer));
        model.observe(
            &answer(1, cookie, 1, role::SERVER, b"HTTP/1.1 500 "),
            Some(&peer),
        );
    }
    let service = model.service(0, 1_000 * MS);
    assert_eq!((service.calls, service.errors), (1, 1));
}
