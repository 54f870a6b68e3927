//! One injection's JSON and text, byte for byte, and its exit code.

use std::time::Duration;

use super::*;
use crate::endpoint::EndpointSpec;
use crate::fault::Delay;

fn injection() -> Injection {
    let to: EndpointSpec = "10.0.0.7:80".parse().unwrap();
    Injection {
        fault: Fault::Delay(Delay {
            jitter_ns: 20_000_000,
            ..Delay::of(100_000_000)
        }),
        modifiers: Modifiers {
            max_packets: Some(20),
            ..Modifiers::default()
        },
        seed: 42,
        duration: Duration::from_secs(10),
        held: Duration::from_millis(10_003),
        endpoints: to.resolved(&[]),
        direction: Direction::Egress,
        near: None,
        netns: "t1".into(),
        interfaces: vec!["v1".into()],
        delay_backend: "userspace",
        counters: FaultCounters {
            seen: 20,
            matched: 20,
            delayed: 20,
            ..FaultCounters::default()
        },
        waited: Waited {
            requested_p50: 100_000,
            measured_p50: 100_012,
            measured_p99: 100_040,
        },
        ended_by: EndedBy::Deadline,
        survivors: Vec::new(),
    }
}

/// One that did something.
pub(in crate::report) fn all() -> Vec<Injection> {
    vec![injection()]
}

#[test]
fn json_is_what_the_contract_says() {
    assert_eq!(
        injection().json(),
        concat!(
            r#"{"schema":"probe.inject/1","fault":{"kind":"delay","args":"100ms --jitter 20ms","#,
            r#""modifiers":"--max-packets 20"},"#,
            r#""seed":42,"duration_ms":10000,"delay_backend":"userspace","#,
            r#""counters":{"seen":20,"matched":20,"passed":0,"dropped":0,"delayed":20,"#,
            r#""corrupted":0,"duplicated":0,"reordered":0,"reset":0,"refused":0,"rewritten":0,"#,
            r#""protected":0,"overflow":0,"errors":0,"paused":0,"killed":0},"#,
            r#""delay_us":{"requested_p50":100000,"measured_p50":100012,"measured_p99":100040},"#,
            r#""verdict":"effective","ended_by":"deadline","reason":"its time was over","#,
            r#""held_ms":10003,"endpoints":["10.0.0.7:80"],"direction":"egress","netns":"t1","#,
            r#""interfaces":["v1"],"near":null}"#
        )
    );
}

#[test]
fn text_is_a_small_table() {
    assert_eq!(
        injection().text(),
        "fault      delay 100ms ±20ms, max packets 20 on 10.0.0.7:80 (egress)\n\
         ended      after 10 s: its time was over\n\
         packets    20 seen · 20 delayed\n\
         waited     100.012 ms median, 100.04 ms p99 (100 ms asked)\n\
         verdict    effective\n"
    );
}

#[test]
fn a_person_goes_before_no_effect_and_no_effect_before_success() {
    let mut injection = injection();
    assert_eq!(injection.exit_code(), 0);
    injection.counters = FaultCounters::default();
    assert_eq!(injection.exit_code(), 4);
    injection.ended_by = EndedBy::Operator("stopped by Ctrl-C");
    assert_eq!(injection.exit_code(), 3);
    injection.ended_by = EndedBy::Guard("gone".into());
    assert_eq!(injection.exit_code(), 3);
}

#[test]
fn no_effect_is_explained() {
    let mut injection = injection();
    assert_eq!(injection.why_ineffective(), None);
    injection.counters = FaultCounters::default();
    let (why, _) = injection.why_ineffective().unwrap();
    assert_eq!(why, "no packet to 10.0.0.7:80 passed v1 in 10 s");
    injection.counters.seen = 3;
    injection.counters.matched = 3;
    injection.counters.passed = 3;
    let (why, _) = injection.why_ineffective().unwrap();
    assert_eq!(why, "chance spared all 3 packets seen");
    injection.counters.matched = 0;
    let (why, _) = injection.why_ineffective().unwrap();
    assert_eq!(why, "its modifiers spared all 3 packets seen");
    injection.counters.protected = 3;
    let (why, _) = injection.why_ineffective().unwrap();
    assert_eq!(
        why,
        "all 3 packets seen are on the list of what is never faulted"
    );
}
