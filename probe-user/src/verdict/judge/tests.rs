//! Judgements of figures made by hand.

use super::*;

fn rate(text: &str) -> Bound<Share> {
    Bound::parse(text).unwrap()
}

fn time(text: &str) -> Bound<Duration> {
    Bound::parse(text).unwrap()
}

/// So many calls of so many milliseconds each, with so many of them failed at once.
fn stats(calls: &[(u64, u64)], failed: u64) -> WindowStats {
    let mut stats = WindowStats::default();
    for &(count, ms) in calls {
        stats.calls += count;
        stats.ok += count;
        for _ in 0..count {
            stats.latency.record(ms * 1_000);
            stats.waited.record(ms * 1_000);
        }
    }
    stats.calls += failed;
    stats.errors += failed;
    stats
}

#[test]
fn success_rates_are_held_against_their_bound() {
    let judged = success_rate(&rate(">= 99%"), &stats(&[(982, 10)], 18), 0);
    assert_eq!(
        (judged.status, judged.measured.as_str()),
        (Status::NotMet, "98.2%")
    );
    assert!(judged.confidence > 0.99);
    assert_eq!(
        success_rate(&rate(">= 99%"), &stats(&[(995, 10)], 5), 0).status,
        Status::Met
    );
    assert_eq!(
        success_rate(&rate(">= 99%"), &stats(&[], 0), 0).status,
        Status::Unknown
    );
}

#[test]
fn few_calls_tell_only_what_is_plain() {
    assert_eq!(
        success_rate(&rate(">= 99%"), &stats(&[(3, 10)], 0), 0).status,
        Status::Unknown
    );
    assert_eq!(
        success_rate(&rate(">= 99%"), &stats(&[], 2), 0).status,
        Status::NotMet
    );
}

#[test]
fn lost_events_matter_only_where_they_could_turn_it() {
    let well = stats(&[(1_000, 10)], 0);
    assert_eq!(success_rate(&rate(">= 99%"), &well, 5).status, Status::Met);
    assert_eq!(
        success_rate(&rate(">= 99%"), &well, 50).status,
        Status::Unknown
    );
    assert_eq!(p99(&time("<= 1s"), &well, 5).status, Status::Met);
    assert_eq!(p99(&time("<= 1s"), &well, 50).status, Status::Unknown);
    let badly = stats(&[(500, 10), (500, 3_000)], 0);
    assert_eq!(p99(&time("<= 1s"), &badly, 50).status, Status::NotMet);
    assert_eq!(
        p99(&time("<= 1s"), &badly, 1_000_000).status,
        Status::Unknown
    );
}

#[test]
fn p99_is_what_callers_waited() {
    let judged = p99(&time("<= 1s"), &stats(&[(900, 10), (100, 3_100)], 0), 0);
    assert_eq!(
        (judged.status, judged.measured.as_str()),
        (Status::NotMet, "3.1 s")
    );
    let expectation = judged.expectation("p99", "shop", &time("<= 1s"));
    assert_eq!(expectation.sentence, "p99 was 3.1 s, expected <= 1 s");
    assert_eq!(expectation.expected, "<= 1s");
    let mut given_up = stats(&[(10, 10)], 0);
    given_up.calls += 10;
    given_up.abandoned += 10;
    (0..10).for_each(|_| given_up.waited.record(5_000_000));
    assert_eq!(p99(&time("<= 1s"), &given_up, 0).status, Status::NotMet);
}

#[test]
fn the_blast_radius_counts_failed_and_slow_calls() {
    let limit = time("<= 400ms");
    let seen = stats(&[(90, 10), (6, 900)], 4);
    let share = blast_share(&seen, Some(&limit)).unwrap();
    assert!((share - 0.1).abs() < 1e-9);
    let judge = |bound: &str| blast_radius(&rate(bound), &seen, Some(&limit), 0).status;
    assert_eq!(judge("<= 10%"), Status::Met);
    assert_eq!(judge("<= 5%"), Status::NotMet);
    assert_eq!(blast_share(&seen, None), Some(0.04));
    // The slow ones could be the errors themselves.
    assert_eq!(judge("<= 8%"), Status::Unknown);
}

#[test]
fn recovery_is_judged_by_its_time_and_by_what_it_rests_on() {
    let steady = SteadyState {
        duration: Duration::from_secs(8),
        success_rate: Some(rate(">= 99%")),
        p99: Some(time("<= 400ms")),
    };
    let within = time("<= 10s");
    let well = stats(&[(1_000, 10)], 0);
    let judge = |after: &Recovery, stats: &WindowStats, lost| {
        recovery(&within, &steady, after, stats, lost)
    };
    let soon = Recovery::After(Duration::from_millis(1_260));
    assert_eq!(judge(&soon, &well, 0).status, Status::Met);
    assert_eq!(judge(&soon, &well, 0).measured, "1.3 s");
    assert_eq!(judge(&soon, &well, 500).status, Status::Unknown);
    let never = Recovery::NotWithin(within.limit);
    let badly = stats(&[(500, 3_000)], 100);
    let judged = judge(&never, &badly, 0);
    assert_eq!(
        (judged.status, judged.measured.as_str()),
        (Status::NotMet, "more than 10 s")
    );
    assert_eq!(judge(&never, &stats(&[], 0), 0).status, Status::Unknown);
    assert_eq!(judge(&Recovery::Unknown, &well, 0).status, Status::Unknown);
}

#[test]
fn a_steady_state_needs_all_its_bounds_and_some_calls() {
    let steady = SteadyState {
        duration: Duration::from_secs(8),
        success_rate: Some(rate(">= 99%")),
        p99: Some(time("<= 400ms")),
    };
    assert!(is_steady(&steady, &stats(&[(100, 10)], 0)));
    assert!(is_steady(&steady, &stats(&[(5, 10)], 0)));
    assert!(!is_steady(&steady, &stats(&[(4, 10)], 0)));
    assert!(!is_steady(&steady, &stats(&[(100, 10)], 5)));
    assert!(!is_steady(&steady, &stats(&[(100, 10), (5, 900)], 0)));
    assert!(!is_steady(&steady, &stats(&[], 0)));
}
