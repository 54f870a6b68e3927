//! Snapshots made by hand, one for each state the screen can be in.

use crate::model::{Outcome, WindowStats};
use crate::snapshot::{
    Breaker, CallView, DependencyView, EvidenceView, ExpectationView, FaultView, GameDayView,
    PatternView, SecondView, ServiceView, Snapshot, Status, TimelineEntry, TimelineKind,
    ToldPattern,
};

/// A watch of a busy host: more dependencies than a small screen has lines.
pub(super) fn busy() -> Snapshot {
    let mut dependencies: Vec<_> = (1..=14)
        .map(|n| {
            let name = format!("10.0.{n}.7:5432");
            let mut row = dependency("orders", &name, &name, 800 * n, 0..0);
            row.recent = stats(10_000, 40 * n, n % 4, 0, 800 * n);
            row
        })
        .collect();
    dependencies.extend(shop(0..0));
    Snapshot {
        elapsed_ms: 3_723_000,
        title: "watch".into(),
        dependencies,
        services: vec![service(60, 0..0)],
        timeline: vec![entry(0, TimelineKind::Note, "watching cgroup /")],
        ..Snapshot::default()
    }
}

/// A game day in the midst of its faults.
pub(super) fn faulted() -> Snapshot {
    let mut dependencies = shop(0..22);
    let payments = &mut dependencies[2];
    payments.faulted = true;
    payments.recent = stats(10_000, 310, 24, 96, 2_014_000);
    payments.in_flight = 41;
    payments.in_flight_max = 64;
    Snapshot {
        elapsed_ms: 33_400,
        title: "payments slow".into(),
        dependencies,
        services: vec![service(412, 0..22)],
        faults: vec![
            fault(
                "payments · delay 2s ±200ms",
                Some(8_200),
                30_000,
                1_300,
                1_234,
            ),
            fault("payments · loss 20%", Some(12_900), 15_000, 410, 83),
        ],
        timeline: timeline(),
        game_day: Some(game_day("faults", Some(0.73), None)),
        ..Snapshot::default()
    }
}

/// The same once it shows which patterns the shop has.
pub(super) fn patterned() -> Snapshot {
    let told = |is_there, name: &str, parameters: &str| ToldPattern {
        is_there,
        name: name.into(),
        parameters: parameters.into(),
    };
    let payments = PatternView {
        name: "shop → payments".into(),
        told: vec![
            told(true, "timeout", " 250 ms"),
            told(
                true,
                "retry",
                " 3 attempts, exponential from 50 ms, full jitter",
            ),
            told(true, "circuit breaker", " after 5 failures, open 1.0 s"),
            told(false, "no bulkhead", ""),
        ],
    };
    let inventory = PatternView {
        name: "shop → inventory".into(),
        told: vec![told(false, "no fallback", "")],
    };
    let mut snapshot = Snapshot {
        patterns: vec![inventory, payments],
        ..faulted()
    };
    let it = &mut snapshot.dependencies[2];
    it.breaker = Some(Breaker::Open);
    it.limit = Some(10);
    it.in_flight = 10;
    it.attempts_max = Some(3);
    it.amplification = Some(2.64);
    it.evidence = evidence();
    it.calls = calls();
    for (age, second) in it.seconds.iter_mut().rev().enumerate() {
        second.breaker = Some(match age {
            0..9 => Breaker::Open,
            9..11 => Breaker::HalfOpen,
            11..17 => Breaker::Open,
            _ => Breaker::Closed,
        });
        if age > 17 {
            second.abandoned = second.failed;
        }
    }
    snapshot
}

fn evidence() -> Vec<EvidenceView> {
    let of = |pattern: &str, is_there, parameters: &str, confidence, evidence: &str| EvidenceView {
        pattern: pattern.into(),
        is_there,
        parameters: parameters.into(),
        confidence,
        evidence: evidence.into(),
    };
    vec![
        of(
            "timeout",
            Some(true),
            " 250 ms",
            0.98,
            "96 of 96 that gave up did so after 250 ms ± 1 ms, while answers would have taken 2.0 s",
        ),
        of(
            "retry",
            Some(true),
            " 3 attempts, exponential from 50 ms, full jitter",
            0.95,
            "41 logical calls made 108 attempts; waits grew by 2.0",
        ),
        of(
            "circuit breaker",
            Some(true),
            " after 5 failures, open 1.0 s",
            0.9,
            "calls stopped 4 times after 5 failures while 50 inbound calls a second came in",
        ),
        of(
            "bulkhead",
            Some(true),
            " of 10",
            0.9,
            "10 waited at once, 31 times, and never more",
        ),
        of(
            "fallback",
            None,
            "",
            0.0,
            "no inbound call could be told by which it was served",
        ),
        of(
            "load shedding",
            Some(false),
            "",
            0.88,
            "41 inbound calls at once and none was refused",
        ),
    ]
}

fn calls() -> Vec<CallView> {
    let outcomes = [
        Outcome::Ok,
        Outcome::Abandoned,
        Outcome::Error,
        Outcome::Refused,
    ];
    (0..20)
        .rev()
        .map(|n| CallView {
            at_ms: 33_300 - n * 170,
            outcome: outcomes[n as usize % 4],
            status: match n % 4 {
                0 => Some(200),
                2 => Some(503),
                _ => None,
            },
            waited_us: 250_000 + n * 13,
            number: n as u32 % 3,
            faulted: n % 4 == 1,
        })
        .collect()
}

/// The same while evidence is being lost.
pub(super) fn lost_events() -> Snapshot {
    let mut snapshot = faulted();
    snapshot.lost_events = 18_204;
    snapshot.notices = vec!["http2 on 10.0.0.8:80 is not read: latencies only".into()];
    snapshot.faults[0].overflow = 312;
    snapshot
}

/// A game day that a guard has ended.
pub(super) fn aborted() -> Snapshot {
    let mut snapshot = over(
        "aborted",
        "guard success_rate < 50% for 5s tripped at 31.0%",
    );
    snapshot.timeline.push(entry(
        36_000,
        TimelineKind::Alarm,
        "guard tripped: success_rate < 50% for 5s; every fault ended",
    ));
    snapshot
}

/// A game day that went as was hoped.
pub(super) fn passed() -> Snapshot {
    let mut snapshot = over("passed", "all 4 expectations met");
    for expectation in expectations(&mut snapshot) {
        expectation.status = Status::Met;
    }
    expectations(&mut snapshot)[1].measured = "612ms".into();
    expectations(&mut snapshot)[3].measured = "3.2s".into();
    snapshot
}

/// A game day that didn't.
pub(super) fn failed() -> Snapshot {
    let mut snapshot = over("failed", "p99 <= 1s was 2.21s");
    expectations(&mut snapshot)[3] = expectation("recovery", "<= 10s", "3.2s", Status::Met);
    snapshot.faults[1].faulted = 0;
    snapshot
}

fn over(verdict: &str, reason: &str) -> Snapshot {
    let mut snapshot = faulted();
    snapshot.elapsed_ms = 71_000;
    snapshot.dependencies = shop(10..40);
    snapshot.services = vec![service(60, 10..40)];
    for fault in &mut snapshot.faults {
        fault.left_ms = None;
    }
    snapshot.game_day = Some(game_day("over", None, Some((verdict, reason))));
    snapshot
}

fn expectations(snapshot: &mut Snapshot) -> &mut Vec<ExpectationView> {
    &mut snapshot.game_day.as_mut().unwrap().expectations
}

/// The shop's three dependencies; payments is under a fault in the seconds given, counted back
/// from now.
fn shop(faulted: std::ops::Range<usize>) -> Vec<DependencyView> {
    vec![
        dependency("shop", "inventory", "10.0.0.8:80", 3_100, 0..0),
        dependency("shop", "recommendations", "10.0.0.9:80", 8_400, 0..0),
        dependency("shop", "payments", "10.0.0.7:80", 5_200, faulted),
    ]
}

fn dependency(
    service: &str,
    name: &str,
    remote: &str,
    p50_us: u64,
    faulted: std::ops::Range<usize>,
) -> DependencyView {
    DependencyView {
        service: service.into(),
        pid: 4_711,
        name: name.into(),
        remote: remote.into(),
        recent: stats(10_000, 1_204, 0, 0, p50_us),
        baseline: (service == "shop").then(|| stats(10_000, 1_190, 0, 0, p50_us)),
        in_flight: 2,
        in_flight_max: 9,
        seconds: seconds(p50_us, 2_000_000, faulted),
        faulted: false,
        remotes: vec![remote.into()],
        protocol: "http1".into(),
        ..DependencyView::default()
    }
}

fn service(failed: u64, faulted: std::ops::Range<usize>) -> ServiceView {
    ServiceView {
        name: "shop".into(),
        listen: "0.0.0.0:8080".into(),
        recent: stats(10_000, 1_310, failed, 0, 18_400),
        baseline: Some(stats(10_000, 1_290, 0, 0, 14_100)),
        seconds: seconds(14_100, 510_000, faulted),
    }
}

/// A minute of latencies around `usual`, and around `slow` in the seconds given.
fn seconds(usual: u64, slow: u64, faulted: std::ops::Range<usize>) -> Vec<SecondView> {
    (0..60)
        .rev()
        .map(|age| {
            let faulted = faulted.contains(&age);
            let around = if faulted { slow } else { usual };
            let noise = (age as u64 * 7_919) % 17;
            SecondView {
                p50_us: (!faulted || age % 9 != 4).then_some(around * (92 + noise) / 100),
                ok: 100,
                failed: if faulted { (age % 4) as u32 * 6 } else { 0 },
                faulted,
                ..SecondView::default()
            }
        })
        .collect()
}

/// Calls with latencies from half to about twice the median.
fn stats(span_ms: u64, calls: u64, errors: u64, abandoned: u64, p50_us: u64) -> WindowStats {
    let mut stats = WindowStats {
        span_ms,
        calls,
        ok: calls - errors - abandoned,
        errors,
        abandoned,
        ..WindowStats::default()
    };
    for n in 0..200 {
        stats.latency.record(p50_us / 2 + p50_us * n * n / 39_800);
    }
    stats.waited = stats.latency.clone();
    stats
}

fn fault(
    label: &str,
    left_ms: Option<u64>,
    duration_ms: u64,
    seen: u64,
    faulted: u64,
) -> FaultView {
    FaultView {
        label: label.into(),
        left_ms,
        duration_ms,
        seen,
        faulted,
        overflow: 0,
        matched: (seen + faulted) / 2,
        handle: None,
    }
}

fn game_day(phase: &str, progress: Option<f64>, verdict: Option<(&str, &str)>) -> GameDayView {
    GameDayView {
        name: "payments slow".into(),
        hypothesis: "checkout stays available while payments is 2 s slow".into(),
        phase: phase.into(),
        progress,
        expectations: vec![
            expectation("success_rate", ">= 99%", "99.4%", Status::Met),
            expectation("p99", "<= 1s", "2.21s", Status::NotMet),
            expectation("blast_radius", "<= 5%", "0.6%", Status::Met),
            expectation("recovery", "<= 10s", "–", Status::Unknown),
        ],
        verdict: verdict.map(|(verdict, _)| verdict.to_owned()),
        reason: verdict.map(|(_, reason)| reason.to_owned()),
    }
}

fn expectation(name: &str, expected: &str, measured: &str, status: Status) -> ExpectationView {
    ExpectationView {
        name: name.into(),
        expected: expected.into(),
        measured: measured.into(),
        status,
    }
}

fn timeline() -> Vec<TimelineEntry> {
    vec![
        entry(0, TimelineKind::Phase, "steady state"),
        entry(
            400,
            TimelineKind::Note,
            "shop (4711) listens on 0.0.0.0:8080",
        ),
        entry(11_600, TimelineKind::Phase, "faults"),
        entry(
            11_600,
            TimelineKind::Fault,
            "payments · delay 2s ±200ms armed for 30s",
        ),
        entry(
            16_600,
            TimelineKind::Command,
            "wrk -d5 http://10.0.0.2:8080/ began",
        ),
        entry(
            21_900,
            TimelineKind::Command,
            "wrk -d5 http://10.0.0.2:8080/ ended: 0",
        ),
        entry(
            24_300,
            TimelineKind::Expectation,
            "p99 <= 1s no longer met: 1.12s",
        ),
        entry(
            31_300,
            TimelineKind::Fault,
            "payments · loss 20% armed for 15s",
        ),
    ]
}

fn entry(at_ms: u64, kind: TimelineKind, text: &str) -> TimelineEntry {
    TimelineEntry {
        at_ms,
        kind,
        text: text.into(),
    }
}
