//! Holds the patterns that were found against those that are expected. A pattern of which nothing
//! is known can't be told; one that is absent isn't there.

use std::time::Duration;

use super::Expectation;
use crate::pattern::{
    Sheet, Verdict,
    finding::{Backoff, CircuitBreaker, Ground, Jitter, State},
};
use crate::quantity::{Bound, Measure, Times};
use crate::scenario::{
    BreakerExpectation, BulkheadExpectation, PatternExpectation, RetryExpectation,
};
use crate::snapshot::Status;

mod settle;

pub use settle::{Facts, settle};

/// One parameter held against what is expected of it.
struct Part {
    expected: String,
    measured: String,
    status: Status,
}

/// Judges each pattern that is expected, over the callers of its dependency.
pub fn judge(expected: &PatternExpectation, sheets: &[Sheet]) -> Vec<Expectation> {
    let callers: Vec<&Sheet> = sheets
        .iter()
        .filter(|it| it.dependency == expected.on)
        .collect();
    let mut judged = Vec::new();
    let mut add = |name: &str, parts: &dyn Fn(&Sheet) -> Vec<Part>| {
        let each = callers.iter().map(|sheet| one(name, sheet, parts(sheet)));
        let worst = each.min_by_key(|it| match it.status {
            Status::NotMet => 0,
            Status::Met => 1,
            Status::Unknown => 2,
        });
        judged.push(worst.unwrap_or_else(|| nobody(name, &expected.on)));
    };
    if let Some(bound) = &expected.timeout {
        add("timeout", &|it| vec![timeout(bound, it)]);
    }
    if let Some(retry) = &expected.retry {
        add("retry", &|it| retry_parts(retry, it));
    }
    if let Some(breaker) = &expected.circuit_breaker {
        add("circuit_breaker", &|it| breaker_parts(breaker, it));
    }
    if let Some(bulkhead) = &expected.bulkhead {
        add("bulkhead", &|it| bulkhead_parts(bulkhead, it));
    }
    if let Some(bound) = &expected.fallback {
        add("fallback", &|it| {
            let measured = it.findings.fallback.success_rate;
            share("success_rate", bound.as_ref(), measured)
        });
    }
    if let Some(bound) = &expected.load_shedding {
        add("load_shedding", &|it| {
            let measured = it.findings.load_shedding.shed_rate;
            share("shed_rate", bound.as_ref(), measured)
        });
    }
    judged
}

fn nobody(name: &str, on: &str) -> Expectation {
    Expectation {
        name: name.to_owned(),
        on: on.to_owned(),
        expected: "observed".to_owned(),
        measured: "–".to_owned(),
        status: Status::Unknown,
        confidence: 0.0,
        evidence: "nobody called it".to_owned(),
        sentence: format!("{name} on {on} can't be told: nobody called it"),
    }
}

/// What is expected of one pattern of one caller.
fn one(name: &str, sheet: &Sheet, parts: Vec<Part>) -> Expectation {
    let found = sheet.findings.grounds();
    let ground = found.iter().find(|it| it.0 == name).map(|it| it.1);
    let nothing = Ground::default();
    let ground = ground.unwrap_or(&nothing);
    let expected: Vec<&str> = parts.iter().map(|it| &*it.expected).collect();
    let expected = match expected[..] {
        [] => "observed".to_owned(),
        _ => expected.join(", "),
    };
    let status_of = |status| parts.iter().any(|it| it.status == status);
    let status = match ground.verdict {
        Verdict::Unknown => Status::Unknown,
        Verdict::Absent => Status::NotMet,
        Verdict::Observed if status_of(Status::NotMet) => Status::NotMet,
        Verdict::Observed if status_of(Status::Unknown) => Status::Unknown,
        Verdict::Observed => Status::Met,
    };
    let measured = match ground.verdict {
        Verdict::Unknown => "–".to_owned(),
        Verdict::Absent => "absent".to_owned(),
        Verdict::Observed if parts.is_empty() => "observed".to_owned(),
        Verdict::Observed => {
            let each: Vec<&str> = parts.iter().map(|it| &*it.measured).collect();
            each.join(", ")
        }
    };
    let on = &sheet.dependency;
    let evidence = match &*ground.evidence {
        "" => "nothing was seen of it",
        evidence => evidence,
    };
    let sentence = match status {
        Status::Unknown => format!("{name} on {on} can't be told: {evidence}"),
        _ => format!("{name} on {on} was {measured}, expected {expected}"),
    };
    Expectation {
        name: name.to_owned(),
        on: on.clone(),
        expected,
        measured,
        status,
        confidence: match status {
            Status::Unknown => 0.0,
            _ => ground.confidence,
        },
        evidence: evidence.to_owned(),
        sentence,
    }
}

fn bounded<T: Measure>(name: &str, bound: &Bound<T>, measured: Option<T>) -> Part {
    let name = match name {
        "" => String::new(),
        name => format!("{name} "),
    };
    Part {
        expected: format!("{name}{bound}"),
        measured: match measured {
            Some(value) => format!("{name}{}", bound.tell(value)),
            None => format!("{name}unknown"),
        },
        status: status(measured.map(|it| bound.holds(it))),
    }
}

fn status(holds: Option<bool>) -> Status {
    match holds {
        Some(true) => Status::Met,
        Some(false) => Status::NotMet,
        None => Status::Unknown,
    }
}

fn timeout(bound: &Bound<Duration>, sheet: &Sheet) -> Part {
    let value = sheet.findings.timeout.value_ms;
    let value = value.map(|ms| Duration::from_secs_f64(ms / 1e3));
    bounded("", bound, value)
}

fn retry_parts(expected: &RetryExpectation, sheet: &Sheet) -> Vec<Part> {
    let found = &sheet.findings.retry;
    let mut parts = Vec::new();
    if let Some(bound) = &expected.attempts {
        let attempts = found.attempts_max.map(|it| Times(it.into()));
        parts.push(bounded("attempts", bound, attempts));
    }
    if let Some(backoff) = expected.backoff {
        let known = found.backoff != Backoff::Unknown;
        parts.push(Part {
            expected: format!("backoff {}", backoff.name()),
            measured: format!("backoff {}", found.backoff.name()),
            status: status(known.then_some(found.backoff == backoff)),
        });
    }
    if let Some(jitter) = expected.jitter {
        let has = match found.jitter {
            Jitter::None => Some(false),
            Jitter::Full | Jitter::Partial => Some(true),
            Jitter::Unknown => None,
        };
        parts.push(Part {
            expected: if jitter { "jitter" } else { "no jitter" }.to_owned(),
            measured: format!("jitter {}", found.jitter.name()),
            status: status(has.map(|it| it == jitter)),
        });
    }
    if let Some(bound) = &expected.amplification {
        let measured = found.amplification.map(Times);
        parts.push(bounded("amplification", bound, measured));
    }
    parts
}

fn breaker_parts(expected: &BreakerExpectation, sheet: &Sheet) -> Vec<Part> {
    let found = &sheet.findings.circuit_breaker;
    let mut parts = Vec::new();
    if let Some(limit) = expected.opens_within {
        let began = sheet.faults.iter().map(|it| it.0).min();
        let took = began.and_then(|it| opened_after(found, it));
        parts.push(within("opens", limit, took));
    }
    if let Some(limit) = expected.recloses_within {
        let ended = sheet.faults.iter().map(|it| it.1).max();
        let took = ended.and_then(|it| closed_after(found, it));
        let not_in_time = took.is_none()
            && ended.is_some_and(|it| sheet.judged_ns.saturating_sub(it) > nanoseconds(limit));
        let mut part = within("recloses", limit, took);
        if not_in_time {
            part.status = Status::NotMet;
            part.measured = "stayed open".to_owned();
        }
        parts.push(part);
    }
    parts
}

fn within(name: &str, limit: Duration, took: Option<Duration>) -> Part {
    Part {
        expected: format!("{name} within {}", limit.typed()),
        measured: match took {
            Some(took) => format!("{name} after {}", took.told(1)),
            None => format!("{name}: unknown"),
        },
        status: status(took.map(|it| it <= limit)),
    }
}

fn opened_after(found: &CircuitBreaker, began_ns: u64) -> Option<Duration> {
    let opened = |it: &&crate::pattern::finding::Transition| {
        it.state != State::Closed && it.at_ns >= began_ns
    };
    let first = found.transitions.iter().find(opened)?;
    Some(Duration::from_nanos(first.at_ns - began_ns))
}

/// How long after a moment it was closed for good; nothing where it isn't.
fn closed_after(found: &CircuitBreaker, ended_ns: u64) -> Option<Duration> {
    let last = found.transitions.last()?;
    (last.state == State::Closed).then(|| Duration::from_nanos(last.at_ns.saturating_sub(ended_ns)))
}

fn bulkhead_parts(expected: &BulkheadExpectation, sheet: &Sheet) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(bound) = &expected.limit {
        let limit = sheet.findings.bulkhead.limit.map(|it| Times(it.into()));
        parts.push(bounded("limit", bound, limit));
    }
    for name in &expected.isolates {
        let is_isolated = sheet.isolates.contains(name);
        parts.push(Part {
            expected: format!("isolates {name}"),
            measured: match is_isolated {
                true => format!("{name} went on as before"),
                false => format!("{name} was not seen to go on as before"),
            },
            // It may have had too few calls to tell.
            status: status(is_isolated.then_some(true)),
        });
    }
    parts
}

fn share(
    name: &str,
    bound: Option<&Bound<crate::plan::Share>>,
    measured: Option<f64>,
) -> Vec<Part> {
    let measured = measured.and_then(crate::plan::Share::new);
    bound
        .map(|bound| bounded(name, bound, measured))
        .into_iter()
        .collect()
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
