//! Runs made by hand, and one read back from its own report.

use super::*;

fn run(began: &str, verdict: &str) -> (String, Run) {
    let run = Run {
        file: format!("{began}/verdict.json"),
        began: began.into(),
        verdict: verdict.into(),
        availability: Some(0.995),
        blast_radius: Some(0.01),
        time_to_detect_ms: Some(500),
        time_to_recover_ms: Some(1_000),
        p99_us: Some(400_000),
        met: vec!["p99 of shop".into()],
        not_met: vec![],
    };
    ("payments slow".into(), run)
}

#[test]
fn a_verdict_is_read_back() {
    let text = crate::report::json::verdict(&crate::report::tests::failed());
    let (scenario, run) = read(&serde_json::from_str(&text).unwrap(), "x").unwrap();
    assert_eq!(scenario, "payments slow");
    assert_eq!(
        (&*run.verdict, &*run.began),
        ("failed", "2026-11-21T20:29:08Z")
    );
    assert_eq!(
        (run.time_to_detect_ms, run.time_to_recover_ms),
        (Some(640), Some(1_260))
    );
    assert_eq!(run.not_met, ["p99 of shop: <= 1s"]);
    assert_eq!(
        read(&serde_json::json!({"schema": "probe.observe/1"}), "x"),
        None
    );
    assert_eq!(read(&serde_json::json!([1]), "x"), None);
}

#[test]
fn a_run_that_cant_be_judged_hides_nothing() {
    let all = series(vec![
        run("2026-11-01", "passed"),
        run("2026-11-02", "inconclusive"),
        run("2026-11-03", "failed"),
    ]);
    assert_eq!(all[0].regressions, ["verdict: failed, was passed"]);
}

#[test]
fn runs_go_by_time_and_by_scenario() {
    let mut other = run("2026-11-03", "passed");
    other.0 = "another".into();
    let all = series(vec![
        run("2026-11-02", "passed"),
        other,
        run("2026-11-01", "failed"),
        run("2026-11-03", "passed"),
    ]);
    assert_eq!(all.len(), 2);
    let (another, slow) = (&all[0], &all[1]);
    assert_eq!((another.count, another.passed), (1, 1));
    assert_eq!((slow.count, slow.passed), (3, 2));
    let began: Vec<_> = slow.runs.iter().map(|it| it.began.as_str()).collect();
    assert_eq!(began, ["2026-11-01", "2026-11-02", "2026-11-03"]);
    assert!(all.iter().all(|it| it.regressions.is_empty()), "{all:?}");
}

#[test]
fn what_got_worse_is_named() {
    let mut last = run("2026-11-02", "failed");
    last.1.not_met = std::mem::take(&mut last.1.met);
    last.1.availability = Some(0.98);
    last.1.blast_radius = Some(0.2);
    last.1.time_to_recover_ms = Some(4_000);
    last.1.p99_us = Some(900_000);
    let all = series(vec![run("2026-11-01", "passed"), last]);
    let told = [
        "verdict: failed, was passed",
        "p99 of shop: not met any more",
        "availability: 98%, was 99.5%",
        "blast radius: 20%, was 1%",
        "time to recover: 4 s, was 1 s",
        "p99: 900 ms, was 400 ms",
    ];
    assert_eq!(all[0].regressions, told);
    let text = text(&all);
    assert!(
        text.starts_with("payments slow: 1 of 2 passed (50%)\n"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert!(json(&all).contains("\"regressed\": true"));
}

#[test]
fn what_moves_from_run_to_run_anyway_is_no_regression() {
    let mut last = run("2026-11-02", "passed");
    last.1.availability = Some(0.99);
    last.1.time_to_detect_ms = Some(900);
    last.1.time_to_recover_ms = Some(1_400);
    last.1.p99_us = Some(500_000);
    let all = series(vec![run("2026-11-01", "passed"), last]);
    assert_eq!(all[0].regressions, [] as [String; 0]);
}

#[test]
fn a_recovery_that_was_not_seen_is_worse_than_one_that_was() {
    let mut last = run("2026-11-02", "passed");
    last.1.time_to_recover_ms = None;
    let all = series(vec![run("2026-11-01", "passed"), last]);
    assert_eq!(all[0].regressions, ["time to recover: not seen, was 1 s"]);
}
