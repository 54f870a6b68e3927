//! Dependencies that get their names late.

use std::net::IpAddr;

use probe_common::{address::Address, flow::role};

use super::super::{
    Event, Model, Names, Outcome, Scope,
    names::Source,
    tests::{self, MS, client, heard, payments},
};

const NAME: &str = "payments.internal";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// One call to 10.0.0.LAST, on a connection of that number.
fn call(model: &mut Model, last: u8, at_ms: u64) {
    let mut peer = client();
    peer.address = Address::from_v4([10, 0, 0, last]);
    let cookie = u64::from(last);
    let lines: [&[u8]; 2] = [b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK"];
    let event = tests::call(at_ms + 5, cookie, 5, role::CLIENT, lines);
    assert!(model.observe(&event, Some(&peer)).is_some());
}

fn told(model: &Model) -> Vec<(&str, u64)> {
    let told = |it: &'_ super::super::Dependency| it.party.total().calls;
    let all = model.dependencies().iter();
    all.map(|it| (it.name.as_str(), told(it))).collect()
}

#[test]
fn an_address_that_gets_a_name_is_renamed_with_all_its_calls() {
    let mut model = Model::default();
    call(&mut model, 7, 10);
    assert_eq!(told(&model), [("10.0.0.7:80", 1)]);
    model.learn(ip("10.0.0.7"), NAME, 60_000 * MS);
    call(&mut model, 7, 20);
    assert_eq!(told(&model), [(NAME, 2)]);
    assert_eq!(model.dependencies()[0].named, Source::Dns);
    assert_eq!(model.dependency(NAME, 0, 1_000 * MS).calls, 2);
}

#[test]
fn two_addresses_of_one_name_become_one_and_nothing_is_counted_twice() {
    let mut model = Model::default();
    for last in [7, 8, 9] {
        call(&mut model, last, 10);
    }
    model.learn(ip("10.0.0.7"), NAME, 60_000 * MS);
    model.learn(ip("10.0.0.9"), NAME, 60_000 * MS);
    assert_eq!(told(&model), [(NAME, 2), ("10.0.0.8:80", 1)]);
    // The places of those behind it have moved: calls still find theirs.
    for last in [7, 8, 9] {
        call(&mut model, last, 20);
    }
    assert_eq!(told(&model), [(NAME, 4), ("10.0.0.8:80", 2)]);
    let remotes = model.dependencies()[0].remotes();
    let remotes: Vec<_> = remotes.iter().map(ToString::to_string).collect();
    assert_eq!(remotes, ["10.0.0.7:80", "10.0.0.9:80"]);
    let party = &model.dependencies()[0].party;
    assert_eq!(party.outcomes[Outcome::Ok as usize], 4);
    assert_eq!(party.history.window(0, 1_000 * MS).calls, 4);
}

#[test]
fn ports_and_callers_keep_apart_what_has_one_name() {
    let mut model = Model::default();
    model.learn(ip("10.0.0.7"), "db", 60_000 * MS);
    let mut other_port = client();
    other_port.port = 6379;
    let mut other_caller = client();
    other_caller.pid = 43;
    for (cookie, peer) in [(1, client()), (2, other_port), (3, other_caller)] {
        model.observe(&heard(1, cookie, role::CLIENT), Some(&peer));
    }
    let names: Vec<_> = model.dependencies().iter().map(|it| &it.name).collect();
    assert_eq!(names, ["db", "db", "db"]);
}

#[test]
fn the_scenarios_name_stays_and_tls_beats_dns() {
    let mut model = Model::new(Scope::default(), payments());
    call(&mut model, 7, 10);
    model.learn(ip("10.0.0.7"), NAME, 60_000 * MS);
    assert_eq!(told(&model), [("payments", 1)]);

    let mut model = Model::new(Scope::default(), Names::default());
    model.learn(ip("10.0.0.7"), NAME, 60_000 * MS);
    call(&mut model, 7, 10);
    model.dependencies[0].party.server_name = Some("pay.example".into());
    let event: Event = heard(30, 7, role::CLIENT);
    model.observe(&event, Some(&client()));
    assert_eq!(told(&model), [("pay.example", 1)]);
    assert_eq!(model.dependencies()[0].named, Source::ServerName);
}
