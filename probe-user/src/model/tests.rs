//! Events made by hand, and the calls they amount to.

mod streams;

use probe_common::{
    address::Address,
    event::{
        ANSWER_PREFIX, CallEvent, CloseEvent, ConnectEvent, EventHeader, HelloEvent, HelloHead,
        REQUEST_PREFIX, ending,
    },
    flow::PeerKey,
    gauge::Gauge,
};

use super::*;
use crate::{plan::Endpoint, protocol::Protocol};

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

fn prefix<const N: usize>(line: &[u8]) -> [u8; N] {
    let mut prefix = [0; N];
    prefix[..line.len()].copy_from_slice(line);
    prefix
}

pub(super) fn connect(at_ms: u64, cookie: u64) -> Event<'static> {
    Event::Connect(ConnectEvent {
        header: header(at_ms, cookie),
        pid: 42,
        tid: 43,
        comm: *b"shop\0\0\0\0\0\0\0\0\0\0\0\0",
        cgroup_id: 0,
        netns_cookie: 1,
        remote: Address::from_v4([10, 0, 0, 7]),
        remote_port: 80,
        pad: [0; 6],
    })
}

pub(super) fn call(
    at_ms: u64,
    cookie: u64,
    waited_ms: u64,
    role: u8,
    lines: [&[u8]; 2],
) -> Event<'static> {
    let [request, answer] = lines;
    Event::Call(CallEvent {
        header: header(at_ms, cookie),
        latency_ns: waited_ms * MS,
        number: 1,
        rtt_us: 250,
        role,
        framing: 0,
        request_length: request.len() as u8,
        answer_length: answer.len() as u8,
        pad: 0,
        request: prefix::<REQUEST_PREFIX>(request),
        answer: prefix::<ANSWER_PREFIX>(answer),
    })
}

pub(super) fn close(
    at_ms: u64,
    cookie: u64,
    waited_ms: u64,
    role: u8,
    ending: u8,
) -> Event<'static> {
    let request = b"GET / HTTP/1.1\r\n";
    Event::Close(CloseEvent {
        header: header(at_ms, cookie),
        waited_ns: waited_ms * MS,
        bytes_out: 0,
        bytes_in: 0,
        requests: 1,
        ending,
        role,
        framing: 0,
        request_length: if waited_ms > 0 {
            request.len() as u8
        } else {
            0
        },
        request: prefix::<REQUEST_PREFIX>(request),
    })
}

/// Something heard of a peer that no call ends with.
pub(super) fn heard(at_ms: u64, cookie: u64, role: u8) -> Event<'static> {
    close(at_ms, cookie, 0, role, ending::FIN_SENT)
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
    assert_eq!(model.observe(&connect(3, 1), Some(&peer)), None);
    let lines: [&[u8]; 2] = [b"GET /a HTTP/1.1\r\n", b"HTTP/1.1 200 OK"];
    let made = call(15, 1, 5, role::CLIENT, lines);
    let call = model.observe(&made, Some(&peer)).unwrap();
    assert_eq!((call.outcome, call.status), (Outcome::Ok, Some(200)));
    assert_eq!(
        (call.began_ns, call.ended_ns, call.waited_ns),
        (10 * MS, 15 * MS, 5 * MS)
    );
    assert_eq!((call.pid, call.tid, call.connected_ns), (42, 43, 3 * MS));
    assert_eq!(
        (call.protocol, call.rtt_us, call.number),
        (Protocol::Http1, 250, 1)
    );
    let dependency = &model.dependencies()[0];
    assert_eq!(
        (dependency.name.as_str(), dependency.party.protocol()),
        ("payments", "http1")
    );
    assert_eq!(dependency.party.rtts.max_us(), 250);
    let p50 = model
        .dependency("payments", 0, 100 * MS)
        .latency
        .quantile_us(0.5)
        .unwrap();
    assert!(p50.abs_diff(5_000) <= 80, "{p50} µs is more than 1.6 % off");
}

#[test]
fn the_same_request_made_again_has_the_same_fingerprint() {
    let mut model = Model::default();
    let peer = client();
    let mut fingerprint = |cookie, line: &[u8]| {
        let lines: [&[u8]; 2] = [line, b"HTTP/1.1 503 no"];
        let call = call(cookie, cookie, 1, role::CLIENT, lines);
        model.observe(&call, Some(&peer)).unwrap().fingerprint
    };
    let first = fingerprint(1, b"GET /a HTTP/1.1\r\nX-Try: 1");
    assert_eq!(first, fingerprint(2, b"GET /a HTTP/1.1\r\nX-Try: 2"));
    assert_ne!(first, fingerprint(3, b"GET /b HTTP/1.1\r\n"));
    // Answered or not, it is the same request.
    model.observe(&connect(5, 9), Some(&peer));
    let cut = close(6, 9, 1, role::CLIENT, ending::FIN_SENT);
    let cut = model.observe(&cut, Some(&peer)).unwrap();
    let lines: [&[u8]; 2] = [b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 "];
    let whole = call(7, 10, 1, role::CLIENT, lines);
    let whole = model.observe(&whole, Some(&peer)).unwrap();
    assert_eq!(cut.fingerprint, whole.fingerprint);
}

#[test]
fn what_waits_is_what_the_kernel_counts() {
    let mut model = Model::default();
    // Seen by its packets alone, before any hook knew of it: the same far side and caller.
    let mut other = client();
    other.cgroup_id = 2;
    for (cookie, peer) in [(1, client()), (2, other), (3, server())] {
        model.observe(&connect(0, cookie), Some(&peer));
    }
    let gauge = |in_flight, most| Gauge { in_flight, most };
    model.set_in_flight(&[
        (client(), gauge(3, 7)),
        (other, gauge(5, 6)),
        (server(), gauge(-1, 1)),
    ]);
    let waits = |model: &Model| {
        let party = &model.dependencies()[0].party;
        (party.in_flight, party.in_flight_max)
    };
    assert_eq!(waits(&model), (8, 8), "two peers, one dependency");
    assert_eq!(model.services()[0].party.in_flight, 0);
    model.set_in_flight(&[(client(), gauge(0, 9)), (other, gauge(0, 6))]);
    assert_eq!(waits(&model), (0, 9));
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
    let lines: [&[u8]; 2] = [b"hello\n", b"hello\n"];
    model.observe(&call(1, 1, 1, role::CLIENT, lines), Some(&peer));
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
    let lines: [&[u8]; 2] = [b"", b""];
    assert!(model.wants(&client()), "who nobody has heard of");
    model.observe(&call(1, 1, 1, role::CLIENT, lines), Some(&client()));
    model.observe(&call(1, 2, 1, role::SERVER, lines), Some(&server()));
    assert!(model.dependencies().is_empty() && model.services().is_empty());
    assert!(!model.wants(&client()) && !model.wants(&server()));
    let other = PeerKey {
        netns_cookie: 2,
        ..client()
    };
    model.observe(&call(1, 3, 1, role::CLIENT, lines), Some(&other));
    assert!(model.wants(&other));
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
        let lines: [&[u8]; 2] = [b"GET / HTTP/1.1", b"HTTP/1.1 500 "];
        model.observe(&call(1, cookie, 1, role::SERVER, lines), Some(&peer));
    }
    let service = model.service(0, 1_000 * MS);
    assert_eq!((service.calls, service.errors), (1, 1));
}

#[test]
fn turns_of_a_handshake_are_no_calls_and_a_farewell_is_not_abandoned() {
    let mut model = Model::default();
    let peer = client();
    let startup: &[u8] = b"\0\0\0\x14\0\x03\0\0user\0me\0\0\0";
    let authentication: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
    let password: &[u8] = b"p\0\0\0\x08abc\0";
    let ready: &[u8] = b"R\0\0\0\x08\0\0\0\0";
    let query: &[u8] = b"Q\0\0\0\x0dselect 1\0";
    let rows: &[u8] = b"T\0\0\0\x21\0\x01";
    let mut follow = |event: &Event| model.observe(event, Some(&peer));
    let turn = |at_ms, lines| call(at_ms, 1, 1, role::CLIENT, lines);
    assert_eq!(follow(&turn(1, [startup, authentication])), None);
    assert_eq!(follow(&turn(2, [password, ready])), None);
    let asked = follow(&turn(3, [query, rows])).unwrap();
    assert_eq!(asked.protocol, Protocol::Postgres);
    let Event::Close(close) = close(9, 1, 1, role::CLIENT, ending::FIN_SENT) else {
        unreachable!()
    };
    let farewell = Event::Close(CloseEvent {
        request_length: 5,
        request: prefix::<REQUEST_PREFIX>(b"X\0\0\0\x04"),
        ..close
    });
    assert_eq!(follow(&farewell), None);
    assert_eq!(model.dependencies()[0].party.history.total().calls, 1);
    assert_eq!(model.dependencies()[0].party.protocol(), "postgres");
}

#[test]
fn tls_is_timed_and_told_as_such() {
    let mut model = Model::default();
    let peer = client();
    let hello = HelloEvent {
        head: HelloHead {
            header: header(1, 1),
            role: role::CLIENT,
            ..HelloHead::default()
        },
        prefix: b"\x16\x03\x01\0\x05\x01",
    };
    assert_eq!(model.observe(&Event::Hello(hello), Some(&peer)), None);
    let Event::Call(turn) = call(9, 1, 4, role::CLIENT, [b"", b"\x17\x03\x03"]) else {
        unreachable!()
    };
    let turn = Event::Call(CallEvent {
        framing: probe_common::flow::framing::TLS,
        ..turn
    });
    let call = model.observe(&turn, Some(&peer)).unwrap();
    assert_eq!(
        (call.protocol, call.outcome, call.fingerprint),
        (Protocol::Tls, Outcome::Ok, 0)
    );
    assert_eq!(model.dependencies()[0].party.protocol(), "tls");
}
