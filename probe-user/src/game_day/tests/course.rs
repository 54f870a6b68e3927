//! The course of a game day, and figures of the whole.

use super::*;
use crate::pattern::{Sheet, Verdict as Shows};

#[test]
fn the_course_has_every_second_and_every_fault() {
    let mut run = Run::new(SCENARIO);
    run.world.waiting = Some(3);
    run.go(10, TICK, |_, _| WELL);
    run.world.waiting = Some(9);
    run.go(100, TICK, |_, _| WELL);
    let verdict = run.verdict();
    let course = &verdict.course;
    assert_eq!((course.length_ms, course.step_ms), (23_000, 1_000));
    assert_eq!(course.before, Some((0, 4_000)));
    assert_eq!(course.during, Some((4_000, 19_000)));
    assert_eq!(course.after, Some((19_000, 23_000)));
    assert_eq!(
        course.faults_on("payments"),
        [(4_000, 14_000), (14_000, 19_000)]
    );
    assert_eq!(course.service.moments.len(), 23);
    let mut moments = course.service.moments.iter();
    assert!(moments.all(|it| it.calls() == 100 && it.failed == 0));
    let payments = &course.dependencies[0];
    assert_eq!(course.usual_calls(payments), Some(1.0));
    let waited = |second: usize| payments.moments[second].in_flight;
    assert_eq!((waited(9), waited(10)), (Some(3), Some(9)));
    assert_eq!(verdict.since_fault.calls, 1_900);
}

#[test]
fn faults_that_were_cut_short_are_as_long_as_they_held() {
    let mut run = Run::new(SCENARIO);
    run.go(100, TICK, |day, _| match day.is_armed(0) {
        true => Some((false, 900)),
        false => WELL,
    });
    let course = run.verdict().course;
    assert_eq!(course.faults_on("payments"), [(4_000, 7_000)]);
    assert_eq!((course.during, course.after), (Some((4_000, 7_000)), None));
    assert!(course.dependencies[0].moments[5].in_flight.is_none());
}

#[test]
fn amplification_is_told_of_dependencies_with_faults_alone() {
    let sheet = |dependency: &str, verdict, amplification| {
        let mut sheet = Sheet {
            dependency: dependency.into(),
            ..Sheet::default()
        };
        sheet.findings.retry.ground.verdict = verdict;
        sheet.findings.retry.amplification = amplification;
        sheet
    };
    for (shows, told, expected) in [
        (Shows::Observed, Some(2.5), Some(2.5)),
        (Shows::Absent, None, Some(1.0)),
        (Shows::Unknown, Some(2.5), None),
    ] {
        let mut run = Run::new(SCENARIO);
        run.world.patterns.sheets = vec![
            sheet("payments", shows, told),
            sheet("inventory", Shows::Observed, Some(9.0)),
        ];
        run.go(100, TICK, |_, _| WELL);
        assert_eq!(run.verdict().metrics.retry_amplification, expected);
    }
}

#[test]
fn how_it_stands_is_how_it_would_be_aborted_and_changes_nothing() {
    let mut run = Run::new(SCENARIO);
    run.go(10, TICK, |_, _| WELL);
    let before = format!("{:?}", run.day);
    let standing = run.day.standing(run.now, &run.world).unwrap();
    assert_eq!(format!("{:?}", run.day), before);
    assert_eq!(standing.kind, VerdictKind::Aborted);
    assert_eq!(standing.metrics.availability, Some(1.0));
    let course = &standing.course;
    assert!(course.service.moments.is_empty());
    let now_ms = run.day.elapsed_ms(run.now);
    assert_eq!(course.during, Some((4_000, now_ms)));
    let (service, dependencies) = run.day.moments(5_000, 6_000, &run.world);
    assert_eq!((service.at_ms, service.ok), (5_000, 100));
    assert_eq!(dependencies.len(), course.dependencies.len());
    // Had it really been aborted, the same would have been said.
    let mut aborted = run.day.clone();
    aborted.abort(run.now, "not over");
    let mut verdict = aborted.verdict(&run.world).unwrap();
    assert_eq!(verdict.course.service.moments[5], service);
    verdict.course = standing.course.clone();
    assert_eq!(verdict, standing);
}

/// Where arming took its time, what was seen meanwhile is not all of what happened.
#[test]
fn a_late_first_look_counts_the_steady_state_from_then() {
    let mut run = Run::new(SCENARIO);
    run.now += 5 * SECOND;
    run.tick();
    assert!(run.day.steady_span().is_none());
    run.go(20, TICK, |_, _| WELL);
    let (from, _) = run.day.steady_span().unwrap();
    assert!(from >= START + 5 * SECOND, "{from}");
}
