//! Sheets made by hand, and how they are told.

use super::*;
use crate::pattern::{
    attempt::{Outcome, Phase},
    finding::{Exhibit, Findings, State, Transition},
};

/// One of a service of which much is known, and one of which nothing is.
pub(in crate::report) fn sheets() -> Vec<Sheet> {
    let mut found = Findings::default();
    found.timeout.ground.verdict = Verdict::Observed;
    found.timeout.ground.samples = 12;
    found.timeout.ground.confidence = 0.93;
    found.timeout.ground.evidence = "12 of 12 that gave up did so after 500 ms".into();
    found.timeout.ground.exhibits = vec![Exhibit {
        connection: 0xabc,
        began_ns: 5,
        ended_ns: 9,
        outcome: Outcome::Abandoned,
    }];
    found.timeout.value_ms = Some(500.2);
    found.timeout.phase = Some(Phase::Response);
    found.retry.ground.verdict = Verdict::Observed;
    found.retry.attempts_max = Some(4);
    found.retry.backoff = Backoff::Exponential;
    found.retry.base_ms = Some(100.04);
    found.retry.multiplier = Some(1.996);
    found.retry.jitter = Jitter::Full;
    found.retry.amplification = Some(3.1);
    found.circuit_breaker.ground.verdict = Verdict::Observed;
    found.circuit_breaker.failures_to_open = Some(5);
    found.circuit_breaker.open_ms = Some(1_000.0);
    found.circuit_breaker.transitions = vec![Transition {
        at_ns: 3_000_000_000,
        state: State::HalfOpen,
        share: None,
    }];
    found.bulkhead.ground.verdict = Verdict::Absent;
    let known = Sheet {
        pid: 42,
        service: "shop".into(),
        dependency: "payments".into(),
        remote: "10.0.0.7:80".into(),
        findings: found,
        isolates: vec!["inventory".into()],
        ..Sheet::default()
    };
    let nothing = Sheet {
        service: "shop".into(),
        remote: "10.0.0.8:80".into(),
        ..Sheet::default()
    };
    vec![known, nothing]
}

/// The same, with a fault that reached further than it was meant to.
pub(in crate::report) fn showing() -> Showing {
    let change = crate::pattern::Change {
        fault: crate::pattern::ledger::Window::default(),
        service: 42,
        dependency: Some(2),
        direct: true,
        failed: (0.0, 0.25),
        rate: (20.0, 12.34),
        slower: 1.118,
    };
    let cascade = crate::pattern::Cascade {
        pid: 42,
        service: "shop".into(),
        dependency: Some("inventory".into()),
        on: "payments".into(),
        change,
    };
    Showing {
        sheets: sheets(),
        cascades: vec![cascade],
        ..Showing::default()
    }
}

#[test]
fn what_a_fault_reached_is_told_with_its_figures() {
    assert_eq!(
        cascades(&showing(), 0)[0],
        json!({
            "fault": "other", "on": "payments", "at_ms": 0,
            "service": {"pid": 42, "comm": "shop"}, "dependency": "inventory", "direct": true,
            "failed": {"before": 0.0, "during": 0.25},
            "rate": {"before": 20.0, "during": 12.3}, "slower": 1.12,
        })
    );
}

#[test]
fn a_sheet_has_the_contracts_fields() {
    let document = json(&sheets(), 1_000_000_000);
    let at = |path: &str| document.pointer(path).cloned().unwrap_or(json!("missing"));
    assert_eq!(at("/0/service"), json!({"pid": 42, "comm": "shop"}));
    assert_eq!(at("/0/timeout/verdict"), "observed");
    assert_eq!(at("/0/timeout/value_ms"), 500.2);
    assert_eq!(at("/0/timeout/phase"), "response");
    assert_eq!(at("/0/timeout/calls/0/connection"), "abc");
    assert_eq!(at("/0/retry/backoff"), "exponential");
    assert_eq!(at("/0/retry/base_ms"), 100.0);
    assert_eq!(at("/0/retry/multiplier"), 2.0);
    assert_eq!(at("/0/retry/cap_ms"), Value::Null);
    assert_eq!(at("/0/circuit_breaker/transitions/0/at_ms"), 2_000);
    assert_eq!(at("/0/circuit_breaker/transitions/0/state"), "half_open");
    assert_eq!(at("/0/bulkhead/verdict"), "absent");
    assert_eq!(at("/1/fallback/verdict"), "unknown");
    assert_eq!(at("/1/fallback/alternate"), Value::Null);
    assert_eq!(at("/1/load_shedding/shed_rate"), Value::Null);
}

#[test]
fn people_are_told_what_is_known() {
    assert_eq!(
        text(&sheets()),
        "shop → payments\n  \
         ✓ timeout 500 ms\n  \
         ✓ retry 4 attempts, exponential from 100 ms, full jitter\n  \
         ✓ circuit breaker after 5 failures, open 1.0 s\n  \
         ✗ no bulkhead\n"
    );
}
