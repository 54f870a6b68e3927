//! Skeletons are read by the project's own parser.

use super::{skeleton, twice};
use crate::{
    model::Process,
    report::observed::tests::{Seen, calling},
    scenario::Scenario,
};

fn parsed(text: &str) -> Scenario {
    Scenario::parse(text, "saved.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn the_shops_skeleton_is_valid_and_declares_what_it_calls() {
    let seen = Seen::shop();
    let namespaces = [(9, None), (1, Some("shop-netns".to_owned()))];
    let skeleton = skeleton(&seen.observation(), &namespaces).unwrap();
    insta::assert_snapshot!("skeleton", skeleton.text);
    let scenario = parsed(&skeleton.text);
    assert_eq!(scenario.service.listen, Some(8080));
    assert_eq!(scenario.service.netns.as_deref(), Some("shop-netns"));
    assert_eq!(scenario.expect.undeclared_dependencies, Some(0));
    let names: Vec<_> = scenario.dependencies.iter().map(|it| &it.name).collect();
    // Not what it calls of itself.
    assert_eq!(
        names,
        ["db.internal:5432", "10.0.0.8:443", "db.internal:6379"]
    );
    assert_eq!(skeleton.service, "shop (pid 42, container 0123456789ab)");
    assert_eq!(skeleton.others, 0);
}

#[test]
fn names_made_to_break_it_do_not() {
    let mut seen = Seen::nothing();
    for (pid, command) in [(42, "x\"\n[abort]\\"), (43, " "), (44, "#")] {
        let mut peer = calling([10, 0, 0, 7], 80);
        peer.pid = pid;
        seen.answered(&peer, 1_000, b"?");
        let process = Process {
            command: command.into(),
            cgroup: String::new(),
        };
        seen.model.name_process(pid, process);
    }
    let namespaces = [(1, Some("a\"b\u{7f}".to_owned()))];
    let skeleton = skeleton(&seen.observation(), &namespaces).unwrap();
    let scenario = parsed(&skeleton.text);
    assert_eq!(scenario.service.netns.as_deref(), Some("a\"b\u{7f}"));
    assert_eq!(skeleton.others, 1, "{skeleton:?}");
}

#[test]
fn the_one_with_most_dependencies_is_chosen() {
    let mut seen = Seen::shop();
    let mut busy = calling([10, 0, 0, 9], 80);
    busy.pid = 77;
    for _ in 0..1_000 {
        seen.answered(&busy, 1_000, b"?");
    }
    let process = Process {
        command: "busy".into(),
        cgroup: String::new(),
    };
    seen.model.name_process(77, process);
    let skeleton = skeleton(&seen.observation(), &[]).unwrap();
    assert!(skeleton.service.starts_with("shop"), "{}", skeleton.service);
    assert_eq!(skeleton.others, 1);
}

#[test]
fn without_dependencies_it_is_valid_and_without_services_there_is_none() {
    assert_eq!(skeleton(&Seen::nothing().observation(), &[]), None);
    let mut seen = Seen::shop();
    seen.model = crate::model::Model::default();
    let mut own = calling([127, 0, 0, 1], 80);
    own.role = probe_common::flow::role::SERVER;
    seen.answered(&own, 100, b"?");
    let process = Process {
        command: "still".into(),
        cgroup: String::new(),
    };
    seen.model.name_service(1, 80, 5, process);
    let skeleton = skeleton(&seen.observation(), &[]).unwrap();
    assert!(parsed(&skeleton.text).dependencies.is_empty());
}

#[test]
fn bounds_are_rounded_up() {
    for (us, ms) in [
        (0, 1),
        (900, 2),
        (20_000, 40),
        (51_200, 110),
        (1_234_567, 2_500),
    ] {
        assert_eq!(twice(us).as_millis(), ms, "{us}");
    }
}
