//! Resilience patterns: as the list `patterns` that several documents have, and in words.

use serde_json::{Value, json};

use crate::pattern::{
    Sheet, Showing, Verdict,
    finding::{
        Backoff, Bulkhead, CircuitBreaker, Fallback, Ground, Jitter, LoadShedding, Retry, State,
        Timeout,
    },
};
use crate::snapshot::{Breaker, EvidenceView, ToldPattern};

/// Each service and dependency, one after the other; times count from `from_ns`.
pub fn json(sheets: &[Sheet], from_ns: u64) -> Value {
    sheets.iter().map(|it| one(it, from_ns)).collect()
}

/// What faults reached beyond where they were; times count from `from_ns`.
pub fn cascades(showing: &Showing, from_ns: u64) -> Value {
    let one = |it: &crate::pattern::Cascade| {
        let change = &it.change;
        json!({
            "fault": change.fault.kind.name(),
            "on": it.on,
            "at_ms": change.fault.from_ns.saturating_sub(from_ns) / 1_000_000,
            "service": {"pid": it.pid, "comm": it.service},
            "dependency": it.dependency,
            "direct": change.direct,
            "failed": {"before": hundredths(change.failed.0), "during": hundredths(change.failed.1)},
            "rate": {"before": tenths(change.rate.0), "during": tenths(change.rate.1)},
            "slower": hundredths(change.slower),
        })
    };
    showing.cascades.iter().map(one).collect()
}

/// What is missing from the record that patterns are told by.
pub fn missing(showing: &Showing) -> Value {
    let missing = &showing.missing;
    json!({
        "unattributed": missing.unattributed,
        "calls": missing.calls,
        "parties": missing.parties,
    })
}

fn one(sheet: &Sheet, from_ns: u64) -> Value {
    let found = &sheet.findings;
    json!({
        "service": {"pid": sheet.pid, "comm": sheet.service},
        "dependency": sheet.dependency,
        "remote": sheet.remote,
        "timeout": timeout(&found.timeout),
        "retry": retry(&found.retry),
        "circuit_breaker": circuit_breaker(&found.circuit_breaker, from_ns),
        "bulkhead": bulkhead(&found.bulkhead, &sheet.isolates),
        "fallback": fallback(&found.fallback, sheet.alternate.as_deref()),
        "load_shedding": load_shedding(&found.load_shedding),
    })
}

/// A verdict's own fields, with those of a pattern.
fn with(ground: &Ground, fields: Value) -> Value {
    let mut all = json!({
        "verdict": verdict(ground.verdict),
        "samples": ground.samples,
        "confidence": ground.confidence,
        "evidence": ground.evidence,
        "calls": ground.exhibits.iter().map(|it| json!({
            "connection": format!("{:x}", it.connection),
            "at_ns": it.began_ns,
            "ended_ns": it.ended_ns,
            "outcome": it.outcome.name(),
        })).collect::<Vec<_>>(),
    });
    if let (Some(all), Value::Object(fields)) = (all.as_object_mut(), fields) {
        all.extend(fields);
    }
    all
}

/// A verdict's name.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Observed => "observed",
        Verdict::Absent => "absent",
        Verdict::Unknown => "unknown",
    }
}

fn timeout(it: &Timeout) -> Value {
    let fields = json!({
        "value_ms": it.value_ms,
        "phase": it.phase.map(|it| it.name()),
        "scope": it.scope,
        "others_ms": it.others_ms,
    });
    with(&it.ground, fields)
}

fn retry(it: &Retry) -> Value {
    let fields = json!({
        "attempts_max": it.attempts_max,
        "backoff": it.backoff,
        "base_ms": it.base_ms.map(tenths),
        "multiplier": it.multiplier.map(hundredths),
        "cap_ms": it.cap_ms.map(tenths),
        "jitter": it.jitter,
        "amplification": it.amplification,
        "storm": it.storm,
    });
    with(&it.ground, fields)
}

fn circuit_breaker(it: &CircuitBreaker, from_ns: u64) -> Value {
    let transitions = it.transitions.iter().map(|it| {
        json!({
            "at_ms": it.at_ns.saturating_sub(from_ns) / 1_000_000,
            "state": it.state,
            "share": it.share,
        })
    });
    let fields = json!({
        "failures_to_open": it.failures_to_open,
        "open_ms": it.open_ms,
        "half_open_probes": it.half_open_probes,
        "share": it.share,
        "transitions": transitions.collect::<Vec<_>>(),
    });
    with(&it.ground, fields)
}

fn bulkhead(it: &Bulkhead, isolates: &[String]) -> Value {
    with(&it.ground, json!({"limit": it.limit, "isolates": isolates}))
}

fn fallback(it: &Fallback, alternate: Option<&str>) -> Value {
    let fields = json!({"success_rate": it.success_rate, "alternate": alternate});
    with(&it.ground, fields)
}

fn load_shedding(it: &LoadShedding) -> Value {
    let fields = json!({
        "shed_rate": it.shed_rate,
        "shed_p99_ms": it.shed_p99_ms.map(tenths),
        "admitted_p99_ms": it.admitted_p99_ms.map(tenths),
    });
    with(&it.ground, fields)
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// What was observed or is absent, a line each; nothing where nothing is known.
pub fn text(sheets: &[Sheet]) -> String {
    let mut text = String::new();
    for sheet in sheets {
        let told = told(sheet);
        if told.is_empty() {
            continue;
        }
        text += &format!("{}\n", super::observed::visible(&sheet.name()));
        for it in told {
            let mark = if it.is_there { "✓" } else { "✗" };
            text += &format!("  {mark} {}{}\n", it.name, it.parameters);
        }
    }
    text
}

/// What is known of each pattern, in a few words.
pub fn told(sheet: &Sheet) -> Vec<ToldPattern> {
    let grounds = sheet.findings.grounds().into_iter();
    let told = grounds.filter_map(|(name, ground)| {
        let words = name.replace('_', " ");
        let told = |is_there: bool, name: String, parameters: String| ToldPattern {
            is_there,
            name,
            parameters,
        };
        match ground.verdict {
            Verdict::Observed => Some(told(true, words, parameters(sheet, name))),
            Verdict::Absent => Some(told(false, format!("no {words}"), String::new())),
            Verdict::Unknown => None,
        }
    });
    told.collect()
}

/// What is told of each pattern, and by what it is told.
pub fn evidence(sheet: &Sheet) -> Vec<EvidenceView> {
    let told = |(name, ground): (&str, &Ground)| EvidenceView {
        pattern: name.replace('_', " "),
        is_there: match ground.verdict {
            Verdict::Observed => Some(true),
            Verdict::Absent => Some(false),
            Verdict::Unknown => None,
        },
        parameters: match ground.verdict {
            Verdict::Observed => parameters(sheet, name),
            _ => String::new(),
        },
        confidence: ground.confidence,
        evidence: ground.evidence.clone(),
    };
    sheet.findings.grounds().into_iter().map(told).collect()
}

/// The state of the circuit breaker at a time on CLOCK_MONOTONIC; `None` where none showed.
pub fn breaker_at(sheet: &Sheet, at_ns: u64) -> Option<Breaker> {
    let breaker = &sheet.findings.circuit_breaker;
    if breaker.ground.verdict != Verdict::Observed {
        return None;
    }
    let mut before = breaker.transitions.iter().rev();
    let last = before.find(|it| it.at_ns <= at_ns);
    Some(match last.map_or(State::Closed, |it| it.state) {
        State::Closed => Breaker::Closed,
        State::Open => Breaker::Open,
        State::HalfOpen => Breaker::HalfOpen,
    })
}

/// What is known of one pattern: its parameters, where it was observed.
pub fn known(sheet: &Sheet, name: &str) -> String {
    let grounds = sheet.findings.grounds();
    let ground = grounds.iter().find(|it| it.0 == name);
    match ground.map_or(Verdict::Unknown, |it| it.1.verdict) {
        Verdict::Observed => format!("observed{}", parameters(sheet, name)),
        other => verdict(other).to_owned(),
    }
}

/// Parameters of a pattern, with what stands before them.
fn parameters(sheet: &Sheet, name: &str) -> String {
    let found = &sheet.findings;
    match name {
        "timeout" => timeout_words(&found.timeout),
        "retry" => retry_words(&found.retry),
        "circuit_breaker" => breaker_words(&found.circuit_breaker),
        "bulkhead" => bulkhead_words(&found.bulkhead),
        "fallback" => fallback_words(&found.fallback),
        _ => shedding_words(&found.load_shedding),
    }
}

fn timeout_words(it: &Timeout) -> String {
    it.value_ms
        .map_or_else(String::new, |value| format!(" {}", time(value)))
}

fn retry_words(it: &Retry) -> String {
    let mut words = it
        .attempts_max
        .map_or_else(String::new, |attempts| format!(" {attempts} attempts"));
    words += match it.backoff {
        Backoff::None => ", at once",
        Backoff::Fixed => ", fixed",
        Backoff::Linear => ", linear",
        Backoff::Exponential => ", exponential",
        Backoff::Unknown => "",
    };
    if let Some(base) = it.base_ms {
        words += &format!(" from {}", time(base));
    }
    words += match it.jitter {
        Jitter::Full => ", full jitter",
        Jitter::Partial => ", partial jitter",
        Jitter::None | Jitter::Unknown => "",
    };
    words + if it.storm { ", a storm" } else { "" }
}

fn breaker_words(it: &CircuitBreaker) -> String {
    let after = it.failures_to_open.map_or_else(String::new, |failures| {
        format!(" after {failures} failures")
    });
    let open = it
        .open_ms
        .map_or_else(String::new, |open| format!(", open {}", time(open)));
    after + &open
}

fn bulkhead_words(it: &Bulkhead) -> String {
    it.limit
        .map_or_else(String::new, |limit| format!(" of {limit}"))
}

fn fallback_words(it: &Fallback) -> String {
    it.success_rate.map_or_else(String::new, |rate| {
        format!(", {:.1} % of calls went well", rate * 100.0)
    })
}

fn shedding_words(it: &LoadShedding) -> String {
    it.shed_rate
        .map_or_else(String::new, |rate| format!(" of {:.0} %", rate * 100.0))
}

/// A time in milliseconds, to read.
fn time(ms: f64) -> String {
    match ms {
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1e3),
    }
}

#[cfg(test)]
pub(super) mod tests;
