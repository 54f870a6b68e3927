//! Bounds that are broken, that are kept, and that too little was counted for.

use super::*;
use crate::model::Histogram;
use crate::scenario::BreakerExpectation;

fn open(name: &str) -> Expectation {
    Expectation {
        name: name.to_owned(),
        on: "payments".to_owned(),
        expected: "a bound".to_owned(),
        measured: "–".to_owned(),
        status: Status::Unknown,
        confidence: 0.0,
        evidence: String::new(),
        sentence: String::new(),
    }
}

fn calls(calls: u64, ok: u64, waits_ms: &[u64]) -> WindowStats {
    let mut waited = Histogram::default();
    for ms in waits_ms {
        waited.record(ms * 1_000);
    }
    WindowStats {
        span_ms: 2_000,
        calls,
        ok,
        errors: calls - ok,
        waited,
        ..WindowStats::default()
    }
}

fn settled(expected: &PatternExpectation, facts: &Facts, name: &str) -> Status {
    let mut it = open(name);
    settle(expected, facts, &mut it);
    it.status
}

fn timeout_of(limit: &str) -> PatternExpectation {
    PatternExpectation {
        timeout: Some(Bound::parse(limit).unwrap()),
        ..PatternExpectation::default()
    }
}

#[test]
fn who_waits_longer_breaks_a_timeout() {
    let since = |waits: &[u64]| Facts {
        since: calls(waits.len() as u64, waits.len() as u64, waits),
        ..Facts::default()
    };
    let expected = timeout_of("<= 500ms");
    let slow = since(&[20, 20, 2_000, 2_000, 2_000]);
    assert_eq!(settled(&expected, &slow, "timeout"), Status::NotMet);
    let one = since(&[20, 20, 2_000]);
    assert_eq!(settled(&expected, &one, "timeout"), Status::Unknown);
    let few = since(&[[20; 97].as_slice(), &[600; 3]].concat());
    assert_eq!(settled(&expected, &few, "timeout"), Status::Unknown);
    let far = since(&[[20; 97].as_slice(), &[2_000; 3]].concat());
    assert_eq!(settled(&expected, &far, "timeout"), Status::NotMet);
    let quick = since(&[20; 40]);
    assert_eq!(settled(&expected, &quick, "timeout"), Status::Unknown);
}

#[test]
fn what_was_told_is_left_alone() {
    let facts = Facts {
        since: calls(3, 3, &[2_000; 3]),
        ..Facts::default()
    };
    let mut met = open("timeout");
    met.status = Status::Met;
    settle(&timeout_of("<= 500ms"), &facts, &mut met);
    assert_eq!(met.status, Status::Met);
}

#[test]
fn calls_that_go_on_and_fail_break_a_breaker() {
    let expected = PatternExpectation {
        circuit_breaker: Some(BreakerExpectation {
            opens_within: Some(Duration::from_secs(1)),
            recloses_within: None,
        }),
        ..PatternExpectation::default()
    };
    let late = |late: WindowStats| Facts {
        before: calls(100, 100, &[]),
        late,
        ..Facts::default()
    };
    let name = "circuit_breaker";
    let status = |stats| settled(&expected, &late(stats), name);
    assert_eq!(status(calls(100, 0, &[])), Status::NotMet);
    // Probes of a half-open breaker, too few; and a dependency that answers again.
    assert_eq!(status(calls(9, 0, &[])), Status::Unknown);
    assert_eq!(status(calls(30, 0, &[])), Status::Unknown);
    assert_eq!(status(calls(100, 60, &[])), Status::Unknown);
}

#[test]
fn attempts_in_all_are_held_against_calm_times() {
    let bound = |jitter| PatternExpectation {
        retry: Some(RetryExpectation {
            amplification: Some(Bound::parse("<= 2").unwrap()),
            jitter,
            ..RetryExpectation::default()
        }),
        ..PatternExpectation::default()
    };
    let facts = |during| Facts {
        before: calls(50, 50, &[]),
        service_before: calls(100, 100, &[]),
        service_during: calls(100, 100, &[]),
        during: calls(during, 0, &[]),
        most_in_flight: Some(4),
        ..Facts::default()
    };
    let status = |during| settled(&bound(None), &facts(during), "retry");
    assert_eq!(status(150), Status::NotMet);
    assert_eq!(status(20), Status::Met);
    let jitter = settled(&bound(Some(true)), &facts(20), "retry");
    assert_eq!(jitter, Status::Unknown);
    // Calls that hang have not ended, and may yet break it; and none that ended keeps nothing.
    let hanging = |during, most_in_flight| Facts {
        most_in_flight,
        ..facts(during)
    };
    let status = |facts| settled(&bound(None), &facts, "retry");
    assert_eq!(status(hanging(20, Some(90))), Status::Unknown);
    assert_eq!(status(hanging(0, Some(4))), Status::Unknown);
    assert_eq!(status(hanging(20, None)), Status::Unknown);
    assert_eq!(status(hanging(150, None)), Status::NotMet);
}

#[test]
fn letting_everybody_in_breaks_load_shedding() {
    let status = |count, ok, wait| {
        let facts = Facts {
            service_before: calls(100, 100, &[20; 100]),
            service_during: calls(count, ok, &vec![wait; count as usize]),
            ..Facts::default()
        };
        settled(&PatternExpectation::default(), &facts, "load_shedding")
    };
    assert_eq!(status(1_000, 1_000, 900), Status::NotMet);
    // Some were refused; nobody waited longer; there were no more than usual.
    assert_eq!(status(1_000, 600, 900), Status::Unknown);
    assert_eq!(status(1_000, 1_000, 30), Status::Unknown);
    assert_eq!(status(120, 120, 900), Status::Unknown);
}

#[test]
fn more_in_flight_than_there_may_be_breaks_a_bulkhead() {
    let expected = PatternExpectation {
        bulkhead: Some(BulkheadExpectation {
            limit: Some(Bound::parse("<= 10").unwrap()),
            isolates: Vec::new(),
        }),
        ..PatternExpectation::default()
    };
    let of = |one_caller, most| {
        let facts = Facts {
            most_in_flight: Some(most),
            one_caller,
            ..Facts::default()
        };
        settled(&expected, &facts, "bulkhead")
    };
    let status = |most| of(true, most);
    assert_eq!(status(20), Status::NotMet);
    assert_eq!(of(false, 20), Status::Unknown);
    assert_eq!(status(12), Status::Unknown);
    assert_eq!(status(10), Status::Unknown);
}
