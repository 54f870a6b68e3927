//! Experiments, and what they come to.

use super::*;
use crate::scenario::Scenario;

const DOCUMENTED: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/chaostoolkit/payments-slow.json"
));

/// An experiment with this method and nothing else but a service.
fn with_method(method: &str) -> String {
    format!(
        r#"{{"title": "t", "description": "d", "method": {method},
            "steady-state-hypothesis": {{"probes": [{{"type": "probe", "name": "p",
                "tolerance": [200, 204], "provider": {{"type": "http", "url": "http://shop:8080/"}}}}]}}}}"#
    )
}

fn process(path: &str, arguments: &str) -> String {
    format!(
        r#"{{"type": "action", "name": "a",
            "provider": {{"type": "process", "path": "{path}", "arguments": {arguments}}}}}"#
    )
}

#[test]
fn the_documented_experiment_is_kept_whole() {
    let imported = read(DOCUMENTED).unwrap();
    assert_eq!(imported.left_out, []);
    insta::assert_snapshot!(imported.scenario);
}

#[test]
fn actions_follow_one_another_and_those_in_the_background_dont_hold_up() {
    let method = r#"[
        {"type": "action", "name": "a", "background": true, "pauses": {"before": 1.5},
         "provider": {"type": "process", "path": "/usr/bin/probe",
                      "arguments": ["inject", "loss", "10%", "--to", "10.0.0.7:80", "--for", "20s"]}},
        {"type": "action", "name": "b", "pauses": {"after": 2},
         "provider": {"type": "process", "path": "probe",
                      "arguments": ["inject", "http-status", 503, "20%", "--to", "10.0.0.8:80"]}},
        {"type": "action", "name": "c",
         "provider": {"type": "http", "url": "http://shop:8080/reset", "method": "POST"}}]"#;
    let imported = read(&with_method(method)).unwrap();
    assert_eq!(imported.left_out, []);
    let scenario = Scenario::parse(&imported.scenario, "s").unwrap();
    let at: Vec<_> = scenario.steps.iter().map(|it| it.at.as_millis()).collect();
    assert_eq!(at, [1_500, 1_500, 63_500], "{}", imported.scenario);
    assert_eq!(scenario.dependencies.len(), 2);
}

#[test]
fn what_a_scenario_cant_hold_is_told_with_its_place() {
    let text = r#"{"title": "t", "controls": [{"name": "c"}], "secrets": {"k": {}},
        "steady-state-hypothesis": {"probes": [
            {"name": "ok", "tolerance": 200, "provider": {"type": "http", "url": "http://shop:8080/"}},
            {"name": "body", "tolerance": {"type": "regex", "pattern": "x"},
             "provider": {"type": "http", "url": "http://shop:8080/"}},
            {"name": "other", "tolerance": 200, "provider": {"type": "http", "url": "http://shop:9090/"}},
            {"name": "pods", "provider": {"type": "python", "module": "chaosk8s.probes", "func": "all"}}]},
        "method": [
            {"type": "action", "name": "fault", "provider": {"type": "process", "path": "sudo",
                "arguments": "-n probe inject blackhole --process shop --to 10.0.0.7:80 --for 5s"}},
            {"type": "action", "name": "pause", "provider": {"type": "process", "path": "probe",
                "arguments": "inject pause --process shop --for 5s"}},
            {"type": "action", "name": "load", "provider": {"type": "process", "path": "wrk"}},
            {"type": "action", "name": "a number", "provider": {"type": "process", "path": "probe",
                "arguments": "inject blackhole --process 4711 --to 10.0.0.7:80 --for 5s"}},
            {"type": "action", "name": "another", "provider": {"type": "process", "path": "probe",
                "arguments": "inject blackhole --process cart --to 10.0.0.7:80 --for 5s"}},
            {"type": "action", "name": "nowhere", "provider": {"type": "process", "path": "probe",
                "arguments": "inject delay 1s --process shop"}},
            {"type": "action", "name": "odd", "provider": {"type": "process", "path": "probe",
                "arguments": "inject delay 1s --to 10.0.0.7:80 --process shop --proto tpc"}},
            {"type": "action", "name": "post", "provider": {"type": "http", "method": "POST",
                "url": "http://shop:8080/", "arguments": {"a": 1}}},
            {"type": "action", "name": "typo", "provider": {"type": "process", "path": "probe",
                "arguments": "inject dellay 1s --to 10.0.0.7:80"}},
            {"type": "action", "name": "dry", "provider": {"type": "process", "path": "probe",
                "arguments": "inject delay 1s --to 10.0.0.7:80 --dry-run"}},
            {"ref": "nobody"},
            {"type": "probe", "name": "look", "provider": {"type": "process", "path": "ps"}}],
        "rollbacks": [{"type": "action", "name": "undo",
            "provider": {"type": "process", "path": "tc", "arguments": "qdisc del dev eth0 root"}}]}"#;
    let imported = read(text).unwrap();
    let told: Vec<_> = imported
        .left_out
        .iter()
        .map(|it| format!("{}: {}", it.place, it.why))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    for line in told {
        assert!(imported.scenario.contains(&format!("# Left out: {line}\n")));
    }
    let scenario = Scenario::parse(&imported.scenario, "s").unwrap();
    let kept: Vec<_> = scenario.steps.iter().map(|it| it.label()).collect();
    assert_eq!(kept.len(), 3, "{kept:?}");
}

#[test]
fn one_step_that_cant_be_read_spoils_no_other() {
    let of = |words: &str| process("probe", &format!("\"inject {words} --for 5s\""));
    let steps = [
        of("blackhole --to 10.0.0.7:80 --process 4711"),
        of("blackhole --to 10.0.0.7:80 --process shop"),
        of("blackhole --to 10.0.0.7: --process shop"),
        of("blackhole --to 10.0.0.7:80 --to 10.0.0.8:80 --process shop"),
        of("blackhole --to 10.0.0.7:80 --cgroup shop"),
        of("blackhole --to 10.0.0.7:80 --process shop --seed '7\\n[abort]'"),
    ];
    let imported = read(&with_method(&format!("[{}]", steps.join(",")))).unwrap();
    let scenario = Scenario::parse(&imported.scenario, "s").unwrap();
    assert_eq!(scenario.steps.len(), 1, "{}", imported.scenario);
    assert_eq!(imported.left_out.len(), 5, "{:#?}", imported.left_out);
}

#[test]
fn what_an_experiment_says_begins_no_line_of_the_scenario() {
    let method = r#"[{"type": "action", "name": "a\u000afault = 1",
        "provider": {"type": "python", "module": "m\u000a[abort]", "func": "f"}},
        {"type": "action", "name": "b\u000a[abort]", "provider": {"type": "process", "path": "true"}}]"#;
    let imported = read(&with_method(method)).unwrap();
    assert!(
        !imported.scenario.contains("\n[abort]"),
        "{}",
        imported.scenario
    );
    assert!(imported.left_out.iter().all(|it| !it.place.contains('\n')));
    // Nor does an absurd number do more than be told.
    let late = method.replace(
        "\"b\\u000a[abort]\"",
        "\"b\", \"pauses\": {\"before\": 1.8e19}",
    );
    let mistake = read(&with_method(&late)).unwrap_err();
    assert!(mistake.message.contains("method[0]"), "{mistake}");
}

#[test]
fn where_nothing_can_be_kept_there_is_no_scenario() {
    for (text, expected) in [
        ("title: t", "it is no JSON"),
        ("{}", "missing field `title`"),
        (&with_method("[]"), "its method is empty"),
        (
            &with_method(&format!("[{}]", process("probe", r#""status""#))),
            "`probe status` is no fault",
        ),
        (
            &with_method(&format!("[{}]", process("", "null"))),
            "the process has no path",
        ),
        (
            &with_method(&format!(
                "[{}]",
                process("probe", r#""inject delay 2s --for ever""#)
            )),
            "--for: \"ever\"",
        ),
        (
            &with_method(&format!(
                "[{}]",
                process("probe", r#""inject delay 2 --to 10.0.0.7:80""#)
            )),
            "2 has no unit; write 2ms or 2s",
        ),
        (
            &with_method(&format!("[{}]", process("sh", r#""-c 'sleep""#))),
            "isn't closed",
        ),
        (
            r#"{"title": "t", "method": [{"type": "action", "provider":
                {"type": "process", "path": "true"}}]}"#,
            "nothing says which service it is about",
        ),
    ] {
        let mistake = read(text).unwrap_err();
        assert!(mistake.message.contains(expected), "{mistake}");
        assert!(mistake.hint.is_some(), "{mistake}");
    }
}
