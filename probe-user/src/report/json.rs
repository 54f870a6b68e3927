//! The verdict as `probe.verdict/1`. Fields come in the contract's order, `schema` first.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{Histogram, WindowStats};
use crate::snapshot::{Status, TimelineEntry};
use crate::verdict::{
    Burnt, CommandOutcome, DependencyOutcome, Expectation, FaultCounters, FaultOutcome, Metrics,
    Spans, Verdict,
};

/// The verdict as one JSON document, indented, without a newline at its end.
pub fn verdict(verdict: &Verdict) -> String {
    // Nothing in it can fail to serialize: keys are text, and floats that JSON lacks are null.
    serde_json::to_string_pretty(&Document::from(verdict)).unwrap_or_default()
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    scenario: &'a str,
    hypothesis: &'a str,
    service: &'a str,
    verdict: &'static str,
    exit_code: u8,
    reason: &'a str,
    seed: u64,
    steady_state: SteadyState,
    faults: Vec<Fault<'a>>,
    commands: Vec<Command<'a>>,
    expectations: Vec<Expected<'a>>,
    patterns: Value,
    cascades: Value,
    pattern_record: Value,
    metrics: MetricsOut,
    dependencies: Vec<Dependency<'a>>,
    timeline: Vec<Entry<'a>>,
    undeclared_dependencies: Value,
    lost_events: u64,
    began: Option<String>,
    course: Value,
}

#[derive(Serialize)]
struct SteadyState {
    before: Steady,
    after: Steady,
}

#[derive(Serialize)]
struct Steady {
    status: &'static str,
    #[serde(flatten)]
    calls: Calls,
}

#[derive(Serialize)]
struct Fault<'a> {
    step: usize,
    on: &'a str,
    fault: &'a str,
    label: &'a str,
    counters: &'a FaultCounters,
    verdict: &'static str,
}

#[derive(Serialize)]
struct Command<'a> {
    step: usize,
    command: &'a str,
    started: bool,
    exit_code: Option<i32>,
}

#[derive(Serialize)]
struct Expected<'a> {
    name: &'a str,
    on: &'a str,
    expected: &'a str,
    measured: &'a str,
    status: &'static str,
    confidence: f64,
    evidence: &'a str,
}

#[derive(Serialize)]
struct MetricsOut {
    availability: Option<f64>,
    blast_radius: Option<f64>,
    time_to_detect_ms: Option<u64>,
    time_to_recover_ms: Option<u64>,
    automatic_recovery: Option<bool>,
    degraded_not_down: Option<bool>,
    latency_us: SpansOut<Latency>,
    detected_by: Option<String>,
    retry_amplification: Option<f64>,
    error_budget: Option<Value>,
}

#[derive(Serialize)]
struct SpansOut<T> {
    before: T,
    during: T,
    after: T,
}

#[derive(Serialize)]
struct Latency {
    p50: Option<u64>,
    p95: Option<u64>,
    p99: Option<u64>,
}

#[derive(Serialize)]
struct Dependency<'a> {
    name: &'a str,
    tier: &'a str,
    #[serde(flatten)]
    calls: SpansOut<Calls>,
}

/// Latencies are of answered calls; what a service's callers waited is under the metrics.
#[derive(Serialize)]
struct Calls {
    calls: u64,
    errors: u64,
    abandoned: u64,
    p50_us: Option<u64>,
    p99_us: Option<u64>,
    success_rate: Option<f64>,
}

#[derive(Serialize)]
struct Entry<'a> {
    at_ms: u64,
    kind: &'static str,
    text: &'a str,
}

impl<'a> From<&'a Verdict> for Document<'a> {
    fn from(v: &'a Verdict) -> Self {
        let steady = |status: Status, stats: &WindowStats| Steady {
            status: status.name(),
            calls: Calls::from(stats),
        };
        Self {
            schema: "probe.verdict/1",
            scenario: &v.scenario,
            hypothesis: &v.hypothesis,
            service: &v.service,
            verdict: v.kind.name(),
            exit_code: v.kind.exit_code(),
            reason: &v.reason,
            seed: v.seed,
            steady_state: SteadyState {
                before: steady(v.steady_state.0, &v.stats.before),
                after: steady(v.steady_state.1, &v.stats.after),
            },
            faults: v.faults.iter().map(Fault::from).collect(),
            commands: v.commands.iter().map(Command::from).collect(),
            expectations: v.expectations.iter().map(Expected::from).collect(),
            patterns: super::patterns::json(&v.patterns.sheets, v.started_ns),
            cascades: super::patterns::cascades(&v.patterns, v.started_ns),
            pattern_record: super::patterns::missing(&v.patterns),
            metrics: MetricsOut::new(&v.metrics, &v.stats),
            dependencies: v.dependencies.iter().map(Dependency::from).collect(),
            timeline: v.timeline.iter().map(Entry::from).collect(),
            undeclared_dependencies: super::observed::undeclared(&v.undeclared),
            lost_events: v.lost_events,
            began: v.began_unix_s.map(super::calendar::utc),
            course: super::course::json(&v.course),
        }
    }
}

impl<'a> From<&'a FaultOutcome> for Fault<'a> {
    fn from(fault: &'a FaultOutcome) -> Self {
        Self {
            step: fault.step,
            on: &fault.on,
            fault: &fault.kind,
            label: &fault.label,
            counters: &fault.counters,
            verdict: fault.effect.name(),
        }
    }
}

impl<'a> From<&'a CommandOutcome> for Command<'a> {
    fn from(command: &'a CommandOutcome) -> Self {
        Self {
            step: command.step,
            command: &command.label,
            started: command.started,
            exit_code: command.exit_code,
        }
    }
}

impl<'a> From<&'a Expectation> for Expected<'a> {
    fn from(expectation: &'a Expectation) -> Self {
        Self {
            name: &expectation.name,
            on: &expectation.on,
            expected: &expectation.expected,
            measured: &expectation.measured,
            status: expectation.status.name(),
            confidence: (expectation.confidence * 1_000.0).round() / 1_000.0,
            evidence: &expectation.evidence,
        }
    }
}

impl MetricsOut {
    fn new(metrics: &Metrics, stats: &Spans<WindowStats>) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            availability: metrics.availability,
            blast_radius: metrics.blast_radius,
            time_to_detect_ms: metrics.time_to_detect.map(ms),
            time_to_recover_ms: metrics.time_to_recover.map(ms),
            automatic_recovery: metrics.automatic_recovery,
            degraded_not_down: metrics.degraded_not_down,
            latency_us: SpansOut {
                before: Latency::from(&stats.before.waited),
                during: Latency::from(&stats.during.waited),
                after: Latency::from(&stats.after.waited),
            },
            detected_by: metrics.detected_by.clone(),
            retry_amplification: metrics.retry_amplification,
            error_budget: metrics.error_budget.map(budget),
        }
    }
}

fn budget(burnt: Burnt) -> Value {
    json!({
        "slo": burnt.target,
        "window_ms": burnt.window.as_millis() as u64,
        "measured_over_ms": burnt.measured_over.as_millis() as u64,
        "burn_rate": burnt.rate,
        "burnt": burnt.share,
    })
}

impl From<&Histogram> for Latency {
    fn from(histogram: &Histogram) -> Self {
        Self {
            p50: histogram.quantile_us(0.50),
            p95: histogram.quantile_us(0.95),
            p99: histogram.quantile_us(0.99),
        }
    }
}

impl<'a> From<&'a DependencyOutcome> for Dependency<'a> {
    fn from(dependency: &'a DependencyOutcome) -> Self {
        let stats = &dependency.stats;
        Self {
            name: &dependency.name,
            tier: &dependency.tier,
            calls: SpansOut {
                before: Calls::from(&stats.before),
                during: Calls::from(&stats.during),
                after: Calls::from(&stats.after),
            },
        }
    }
}

impl From<&WindowStats> for Calls {
    fn from(stats: &WindowStats) -> Self {
        Self {
            calls: stats.calls,
            errors: stats.errors,
            abandoned: stats.abandoned,
            p50_us: stats.latency.quantile_us(0.50),
            p99_us: stats.latency.quantile_us(0.99),
            success_rate: stats.success_rate(),
        }
    }
}

impl<'a> From<&'a TimelineEntry> for Entry<'a> {
    fn from(entry: &'a TimelineEntry) -> Self {
        Self {
            at_ms: entry.at_ms,
            kind: entry.kind.name(),
            text: &entry.text,
        }
    }
}
