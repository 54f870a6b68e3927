//! One verdict made by hand, told both ways.

use std::time::Duration;

use crate::model::WindowStats;
use crate::plan::Share;
use crate::quantity::Bound;
use crate::snapshot::{Status, TimelineEntry, TimelineKind};
use crate::verdict::course::{Course, FaultSpan, Moment, Track};
use crate::verdict::judge::Judged;
use crate::verdict::{
    CommandOutcome, DependencyOutcome, Effect, FaultCounters, FaultOutcome, Metrics, Slo, Spans,
    Verdict, VerdictKind, judge,
};

pub mod files;

pub use files::told;

fn calls(ok: u64, ms: u64, errors: u64, abandoned: u64) -> WindowStats {
    let mut stats = WindowStats {
        span_ms: 8_000,
        calls: ok + errors + abandoned,
        ok,
        errors,
        abandoned,
        ..WindowStats::default()
    };
    for _ in 0..ok {
        stats.latency.record(ms * 1_000);
        stats.waited.record(ms * 1_000);
    }
    for _ in 0..abandoned {
        stats.waited.record(5_000_000);
    }
    stats
}

fn spans(during: WindowStats) -> Spans<WindowStats> {
    Spans {
        before: calls(800, 12, 0, 0),
        during,
        after: calls(800, 12, 1, 0),
    }
}

fn fault(step: usize, label: &str, counters: FaultCounters, effect: Effect) -> FaultOutcome {
    FaultOutcome {
        step,
        on: "payments".into(),
        kind: "delay".into(),
        label: label.into(),
        counters,
        effect,
    }
}

/// Half a minute: a steady state, ten seconds of a fault, and a steady state again.
fn course() -> Course {
    let moment = |second: u64, usual: u64, faulted: u64| {
        let is_faulted = (8..18).contains(&second);
        let (p99_us, in_flight) = if is_faulted {
            (3_100_000, 10)
        } else {
            (14_000, 1)
        };
        let failed = if is_faulted { faulted } else { 0 };
        Moment {
            at_ms: second * 1_000,
            ok: usual,
            failed,
            abandoned: failed / 2,
            p50_us: Some(12_000),
            p99_us: Some(p99_us),
            in_flight: Some(in_flight),
        }
    };
    let track = |name: &str, usual, faulted| Track {
        name: name.into(),
        moments: (0..27).map(|n| moment(n, usual, faulted)).collect(),
    };
    Course {
        length_ms: 27_300,
        step_ms: 1_000,
        service: track("shop", 100, 1),
        dependencies: vec![track("payments", 100, 90)],
        faults: vec![FaultSpan {
            step: 1,
            on: "payments".into(),
            label: "payments · delay 2s".into(),
            span: (8_100, 18_100),
        }],
        before: Some((100, 8_100)),
        during: Some((8_100, 18_100)),
        after: Some((19_360, 27_300)),
    }
}

/// A game day that failed.
pub fn failed() -> Verdict {
    let stats = spans(calls(1_900, 3_100, 10, 2));
    let p99: Bound<Duration> = Bound::parse("<= 1s").unwrap();
    let judged = judge::p99(&p99, &stats.during, 0).expectation("p99", "shop", &p99);
    let recovery = Judged::unknown("it wasn't waited for").expectation("recovery", "shop", &p99);
    let touched = FaultCounters {
        seen: 4_211,
        matched: 4_211,
        delayed: 4_211,
        ..FaultCounters::default()
    };
    Verdict {
        scenario: "payments slow".into(),
        hypothesis: "the shop keeps selling".into(),
        service: "shop".into(),
        kind: VerdictKind::Failed,
        reason: judged.sentence.clone(),
        seed: 7,
        steady_state: (Status::Met, Status::Unknown),
        faults: vec![
            fault(1, "payments · delay 2s", touched, Effect::Effective),
            fault(
                2,
                "payments · blackhole",
                FaultCounters::default(),
                Effect::NotArmed,
            ),
        ],
        commands: vec![CommandOutcome {
            step: 3,
            label: "wrk -d5".into(),
            started: true,
            exit_code: Some(0),
        }],
        expectations: vec![judged, recovery],
        patterns: super::patterns::tests::showing(),
        started_ns: 0,
        metrics: Metrics {
            availability: stats.during.success_rate(),
            time_to_recover: Some(Duration::from_millis(1_260)),
            time_to_detect: Some(Duration::from_millis(640)),
            detected_by: Some("timeout of shop → payments".into()),
            retry_amplification: Some(3.1),
            error_budget: Slo::new(Share::new(0.999).unwrap(), Duration::from_secs(2_592_000))
                .and_then(|slo| slo.burnt(&stats.during, Duration::from_secs(23))),
            ..Metrics::default()
        },
        dependencies: vec![DependencyOutcome {
            name: "payments".into(),
            tier: "essential".into(),
            stats: spans(calls(0, 0, 0, 950)),
        }],
        stats,
        timeline: vec![TimelineEntry {
            at_ms: 8_000,
            kind: TimelineKind::Fault,
            text: "armed for 15 s: payments · delay 2s".into(),
        }],
        undeclared: vec![],
        lost_events: 3,
        course: course(),
        since_fault: calls(2_700, 12, 11, 2),
        began_unix_s: Some(1_795_292_948),
    }
}

#[test]
fn text_reads_well_without_colour() {
    insta::assert_snapshot!(super::text::verdict(&failed(), false));
}

#[test]
fn colour_adds_codes_and_nothing_else() {
    let plain = super::text::verdict(&failed(), false);
    let mut colored = super::text::verdict(&failed(), true);
    assert!(colored.contains("\x1b[31mfailed\x1b[0m"));
    for code in ["0", "1", "2", "31", "32", "33"] {
        colored = colored.replace(&format!("\x1b[{code}m"), "");
    }
    assert_eq!(colored, plain);
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    let mut verdict = failed();
    verdict.dependencies[0].name = "a-dependency-with-a-name-of-great-length".into();
    let text = super::text::verdict(&verdict, false);
    let table = text
        .lines()
        .filter(|line| line.ends_with("given up") || line.starts_with("  b"));
    assert!(table.into_iter().all(|line| line.chars().count() <= 80));
}

#[test]
fn json_is_the_contracts() {
    insta::assert_snapshot!(super::json::verdict(&failed()));
}

#[test]
fn json_has_every_field_of_the_contract() {
    let json: serde_json::Value = serde_json::from_str(&super::json::verdict(&failed())).unwrap();
    for path in [
        "/schema",
        "/scenario",
        "/hypothesis",
        "/verdict",
        "/exit_code",
        "/seed",
        "/steady_state/before",
        "/steady_state/after",
        "/faults/0/step",
        "/faults/0/counters/rewritten",
        "/faults/0/verdict",
        "/expectations/0/confidence",
        "/patterns",
        "/metrics/availability",
        "/metrics/blast_radius",
        "/metrics/time_to_detect_ms",
        "/metrics/time_to_recover_ms",
        "/metrics/automatic_recovery",
        "/metrics/degraded_not_down",
        "/metrics/latency_us/during/p95",
        "/metrics/detected_by",
        "/metrics/retry_amplification",
        "/metrics/error_budget/burnt",
        "/began",
        "/course/service/moments/0/p99_us",
        "/timeline/0/at_ms",
        "/undeclared_dependencies",
        "/lost_events",
        "/dependencies/0/before/success_rate",
    ] {
        assert!(json.pointer(path).is_some(), "{path}");
    }
    assert_eq!(json["schema"], "probe.verdict/1");
}
