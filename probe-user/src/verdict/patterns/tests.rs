//! Expectations of patterns against findings made by hand.

use super::*;
use crate::pattern::finding::Transition;

const SECOND: u64 = 1_000_000_000;

fn sheet() -> Sheet {
    let mut sheet = Sheet {
        dependency: "payments".into(),
        faults: vec![(100 * SECOND, 130 * SECOND)],
        judged_ns: 200 * SECOND,
        ..Sheet::default()
    };
    let found = &mut sheet.findings;
    found.timeout.ground.verdict = Verdict::Observed;
    found.timeout.value_ms = Some(900.0);
    found.retry.ground.verdict = Verdict::Observed;
    found.retry.attempts_max = Some(4);
    found.retry.backoff = Backoff::Exponential;
    found.retry.jitter = Jitter::Full;
    found.retry.amplification = Some(3.1);
    found.circuit_breaker.ground.verdict = Verdict::Observed;
    let at = |s: u64, state| Transition {
        at_ns: s * SECOND,
        state,
        share: None,
    };
    found.circuit_breaker.transitions = vec![
        at(90, State::Closed),
        at(104, State::Open),
        at(134, State::HalfOpen),
        at(135, State::Closed),
    ];
    found.bulkhead.ground.verdict = Verdict::Absent;
    sheet
}

fn expected(text: &str) -> PatternExpectation {
    let scenario = format!(
        "name = \"a\"\n[service]\nlisten = 1\n[[dependency]]\nname = \"payments\"\nto = [\"10.0.0.7:80\"]\n\
         [[dependency]]\nname = \"inventory\"\nto = [\"10.0.0.8:80\"]\n\
         [steady_state]\np99 = \"<= 1s\"\n[[step]]\nat = \"0s\"\nfor = \"1s\"\non = \"payments\"\n\
         fault = \"blackhole\"\n[[expect.pattern]]\non = \"payments\"\n{text}"
    );
    let scenario = crate::scenario::Scenario::parse(&scenario, "a.toml").unwrap();
    scenario.expect.patterns[0].clone()
}

fn judged(text: &str, sheet: Sheet) -> (Status, String) {
    let mut judged = judge(&expected(text), &[sheet]);
    assert_eq!(judged.len(), 1, "{text}");
    let it = judged.remove(0);
    (it.status, it.sentence)
}

#[test]
fn parameters_are_held_against_their_bounds() {
    let cases = [
        (
            "timeout = \"<= 1s\"",
            Status::Met,
            "timeout on payments was 900 ms, expected <= 1s",
        ),
        (
            "timeout = \"<= 500ms\"",
            Status::NotMet,
            "timeout on payments was 900 ms, expected <= 500ms",
        ),
        (
            "retry = { attempts = \"<= 3\", backoff = \"exponential\", jitter = true }",
            Status::NotMet,
            "retry on payments was attempts 4, backoff exponential, jitter full, expected attempts <= 3, \
             backoff exponential, jitter",
        ),
        (
            "retry = { amplification = \"<= 3.5\" }",
            Status::Met,
            "retry on payments was amplification 3.1, expected amplification <= 3.5",
        ),
        (
            "circuit_breaker = { opens_within = \"5s\", recloses_within = \"10s\" }",
            Status::Met,
            "circuit_breaker on payments was opens after 4 s, recloses after 5 s, expected opens within 5s, \
             recloses within 10s",
        ),
        (
            "bulkhead = { limit = \"<= 10\" }",
            Status::NotMet,
            "bulkhead on payments was absent, expected limit <= 10",
        ),
    ];
    for (text, status, sentence) in cases {
        assert_eq!(
            judged(text, sheet()),
            (status, sentence.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn what_is_not_known_is_not_judged() {
    let (status, sentence) = judged("fallback = { success_rate = \">= 99%\" }", sheet());
    assert_eq!(status, Status::Unknown);
    assert_eq!(
        sentence,
        "fallback on payments can't be told: nothing was seen of it"
    );
    let mut open = sheet();
    open.findings.circuit_breaker.transitions.truncate(2);
    let text = "circuit_breaker = { recloses_within = \"20s\" }";
    assert_eq!(judged(text, open.clone()).0, Status::NotMet);
    open.judged_ns = 140 * SECOND;
    assert_eq!(judged(text, open).0, Status::Unknown);
    let nobody = judge(&expected("timeout = \"<= 1s\""), &[]);
    assert_eq!(nobody[0].status, Status::Unknown);
}

#[test]
fn of_several_callers_the_one_that_breaks_it_counts() {
    let mut other = sheet();
    other.findings.timeout.value_ms = Some(3_000.0);
    let both = judge(&expected("timeout = \"<= 1s\""), &[sheet(), other]);
    assert_eq!(both[0].status, Status::NotMet);
    assert_eq!(both[0].measured, "3 s");
}
