//! An observation made by hand, told in every form.

use std::time::Duration;

use probe_common::{
    address::Address,
    event::{ANSWER_PREFIX, CallEvent, EstablishedEvent, Event, EventHeader, REQUEST_PREFIX},
    flow::{PeerKey, role},
};

use super::*;
use crate::model::{Names, Process, Scope, undeclared::undeclared};

/// What was seen, and what an observation of it needs.
pub(in crate::report) struct Seen {
    pub model: Model,
    pub listeners: Vec<Listener>,
    pub accounts: Accounts,
    pub patterns: Showing,
}

const SHOP: [u8; 4] = [10, 0, 0, 1];

impl Seen {
    pub(in crate::report) fn nothing() -> Self {
        Self {
            model: Model::default(),
            listeners: Vec::new(),
            accounts: Accounts::default(),
            patterns: Showing::default(),
        }
    }

    /// A shop that is called, and calls two ports of a database, a bank, and itself on loopback.
    pub(in crate::report) fn shop() -> Self {
        let mut seen = Self::nothing();
        let id = "0123456789abcdef".repeat(4);
        let cgroup = format!("/system.slice/docker-{id}.scope");
        let process = Process {
            command: "shop".into(),
            cgroup,
        };
        let serving = PeerKey {
            netns_cookie: 1,
            port: 8080,
            role: role::SERVER,
            protocol: 6,
            ..PeerKey::default()
        };
        seen.reached(&serving, SHOP);
        seen.model
            .learn([10, 0, 0, 7].into(), "db.internal", u64::MAX);
        for n in 0..100 {
            let line: &[u8] = if n == 7 {
                b"HTTP/1.1 503 Busy"
            } else {
                b"HTTP/1.1 200 OK"
            };
            seen.answered(&serving, 20_000 + n, line);
            seen.answered(&calling([10, 0, 0, 7], 5432), 1_000, b"?");
        }
        seen.answered(&calling([10, 0, 0, 7], 6379), 500, b"+OK");
        seen.answered(&calling([10, 0, 0, 8], 443), 40_000, b"?");
        seen.answered(&calling([127, 0, 0, 1], 8080), 100, b"HTTP/1.1 200 OK");
        seen.model.name_process(42, process.clone());
        seen.model.name_service(1, 8080, 42, process.clone());
        seen.listeners = vec![
            Listener {
                netns_cookie: 1,
                netns: Some("shop".into()),
                address: "0.0.0.0:8080".parse().unwrap(),
                addresses: vec![SHOP.into()],
                pid: 42,
                process,
            },
            Listener {
                netns_cookie: 9,
                netns: None,
                address: "127.0.0.1:22".parse().unwrap(),
                addresses: vec![],
                pid: 7,
                process: Process {
                    command: "sshd".into(),
                    cgroup: "/".into(),
                },
            },
        ];
        seen
    }

    fn reached(&mut self, peer: &PeerKey, local: [u8; 4]) {
        let event = Event::Established(EstablishedEvent {
            header: EventHeader::default(),
            connect_ns: 0,
            local: Address::from_v4(local),
            remote: Address::from_v4([10, 0, 0, 2]),
            local_port: peer.port,
            remote_port: 40_000,
            role: peer.role,
            pad: [0; 3],
        });
        self.model.observe(&event, Some(peer));
    }

    pub(in crate::report) fn answered(&mut self, peer: &PeerKey, us: u64, line: &[u8]) {
        let mut prefix = [0; ANSWER_PREFIX];
        prefix[..line.len()].copy_from_slice(line);
        let event = Event::Call(CallEvent {
            header: EventHeader {
                at_ns: 1_000_000,
                cookie: u64::from(peer.port),
                ..EventHeader::default()
            },
            latency_ns: us * 1_000,
            number: 1,
            rtt_us: 0,
            role: peer.role,
            framing: 0,
            request_length: 0,
            answer_length: line.len() as u8,
            pad: 0,
            request: [0; REQUEST_PREFIX],
            answer: prefix,
        });
        self.model.observe(&event, Some(peer));
    }

    pub(in crate::report) fn observation(&self) -> Observation<'_> {
        Observation {
            model: &self.model,
            window_ms: 10_000,
            accounts: &self.accounts,
            listeners: &self.listeners,
            with_silent: true,
            undeclared: None,
            patterns: &self.patterns,
            from_ns: 0,
        }
    }
}

pub(in crate::report) fn calling(address: [u8; 4], port: u16) -> PeerKey {
    PeerKey {
        address: Address::from_v4(address),
        netns_cookie: 1,
        cgroup_id: 5,
        pid: 42,
        port,
        role: role::CLIENT,
        protocol: 6,
    }
}

#[test]
fn nothing_is_told_in_both_forms() {
    let mut seen = Seen::nothing();
    assert_eq!(text(&seen.observation(), None), "no call was seen\n");
    seen.accounts.events.lost = 3;
    let value: Value = serde_json::from_str(&json(&seen.observation())).unwrap();
    assert_eq!(value["schema"], "probe.observe/1");
    assert_eq!(value["lost_events"], 3);
    assert!(json(&seen.observation()).starts_with("{\"schema\":\"probe.observe/1\",\""));
    assert!(text(&seen.observation(), None).contains("3 of 0 events were lost"));
}

#[test]
fn inbound_and_outbound_calls_are_of_one_process() {
    let seen = Seen::shop();
    let value: Value = serde_json::from_str(&json(&seen.observation())).unwrap();
    let services = value["services"].as_array().unwrap();
    let dependencies = value["dependencies"].as_array().unwrap();
    assert_eq!((services.len(), dependencies.len()), (2, 4));
    for dependency in dependencies {
        assert_eq!(dependency["service"], services[0]["service"]);
    }
    let shop = &services[0]["service"];
    assert_eq!((&shop["pid"], &shop["comm"]), (&42.into(), &"shop".into()));
    assert_eq!(shop["container"], "0123456789abcdef".repeat(4));
    assert_eq!(shop["runtime"], "docker");
    assert_eq!(services[0]["listen"], "0.0.0.0:8080");
    assert_eq!(services[0]["shed"], 1);
    assert_eq!(
        (&services[1]["listen"], &services[1]["calls"]),
        (&"127.0.0.1:22".into(), &0.into())
    );
    assert_eq!(dependencies[0]["name"], "10.0.0.8:443");
    assert_eq!(dependencies[2]["name"], "db.internal");
    assert_eq!(dependencies[2]["named_by"], "dns");
}

#[test]
fn the_table_fits_eighty_columns_and_uses_more_where_it_has_them() {
    let mut seen = Seen::shop();
    insta::assert_snapshot!("observed", text(&seen.observation(), None));
    let name = "a-very-long-name-of-a-service.in-some-namespace.svc.cluster.local";
    seen.model.learn([10, 0, 0, 8].into(), name, u64::MAX);
    let narrow = text(&seen.observation(), Some(80));
    insta::assert_snapshot!("observed-narrow", narrow);
    let longest = narrow.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{narrow}");
}

#[test]
fn processes_of_one_name_in_one_place_are_one_block() {
    let mut seen = Seen::nothing();
    for pid in [50, 51, 52] {
        let mut peer = calling([10, 0, 0, 7], 80);
        peer.pid = pid;
        seen.answered(&peer, 1_000, b"HTTP/1.1 200 OK");
        let cgroup = if pid == 52 { "/other" } else { "/cron" };
        let process = Process {
            command: "curl".into(),
            cgroup: cgroup.into(),
        };
        seen.model.name_process(pid, process);
    }
    let text = text(&seen.observation(), None);
    assert!(
        text.contains("curl  (2 processes)\n") && text.contains("curl  (pid 52)\n"),
        "{text}"
    );
    let value: Value = serde_json::from_str(&json(&seen.observation())).unwrap();
    assert_eq!(value["dependencies"].as_array().unwrap().len(), 3);
}

#[test]
fn what_is_not_declared_is_told() {
    let seen = Seen::shop();
    let found = undeclared(&seen.model);
    let mut observation = seen.observation();
    observation.undeclared = Some(&found);
    let told = text(&observation, None);
    let end = "warning: 3 dependencies are not declared in the scenario\n  \
               shop → 10.0.0.8:443, 1 call\n  shop → db.internal (10.0.0.7:5432), 100 calls\n  \
               shop → db.internal (10.0.0.7:6379), 1 call\n";
    assert!(told.ends_with(end), "{told}");
    let value: Value = serde_json::from_str(&json(&observation)).unwrap();
    assert_eq!(value["undeclared_dependencies"][1]["calls"], 100);
    observation.undeclared = Some(&[]);
    assert!(text(&observation, None).contains("declares every dependency"));
}

#[test]
fn names_of_others_do_not_move_the_cursor() {
    let mut seen = Seen::nothing();
    seen.answered(&calling([10, 0, 0, 7], 80), 1_000, b"?");
    let process = Process {
        command: "\u{1b}[2Jevil\n".into(),
        cgroup: String::new(),
    };
    seen.model.name_process(42, process);
    let told = text(&seen.observation(), None);
    assert!(
        told.contains("\u{fffd}[2Jevil\u{fffd}") && !told.contains('\u{1b}'),
        "{told:?}"
    );
}

#[test]
fn a_thousand_dependencies_are_told_in_good_time() {
    let mut seen = Seen::nothing();
    for n in 0..4_000u32 {
        let [_, _, c, d] = n.to_be_bytes();
        seen.answered(&calling([10, 1, c, d], 80), 1_000, b"?");
    }
    let began = std::time::Instant::now();
    let (text, json) = (text(&seen.observation(), None), json(&seen.observation()));
    assert!(text.lines().count() > 4_000 && json.len() > 100_000);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn scopes_narrow_services_too() {
    let scope = Scope {
        process: Some("other".into()),
        ..Scope::default()
    };
    let mut seen = Seen::shop();
    seen.model = Model::new(scope, Names::default());
    assert_eq!(text(&seen.observation(), None), "no call was seen\n");
}
