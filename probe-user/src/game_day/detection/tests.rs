//! Reactions found in sheets and calls made by hand.

use super::*;
use crate::model::{Undeclared, WindowStats};
use crate::pattern::Showing;
use crate::pattern::attempt::Outcome;
use crate::pattern::finding::Transition;
use crate::scenario::Scenario;

const SECOND: u64 = 1_000_000_000;
/// The fault holds from here, for ten seconds.
const FAULT: u64 = 105 * SECOND / 10;

const SCENARIO: &str = r#"
name = "x"
[service]
name = "shop"
listen = 8080
[[dependency]]
name = "payments"
to = ["10.0.0.7:80"]
[steady_state]
for = "4s"
success_rate = ">= 99%"
[[step]]
at = "0s"
for = "10s"
on = "payments"
fault = "blackhole"
"#;

/// Calls to payments that were given up, by the time of their end.
struct GivenUp(Vec<u64>);

impl Evidence for GivenUp {
    fn service(&self, _: u64, _: u64) -> WindowStats {
        WindowStats::default()
    }
    fn dependency(&self, name: &str, from_ns: u64, to_ns: u64) -> WindowStats {
        assert_eq!(name, "payments");
        let within = self.0.iter().filter(|at| (from_ns..to_ns).contains(at));
        WindowStats {
            abandoned: within.count() as u64,
            ..WindowStats::default()
        }
    }
    fn lost_events(&self) -> u64 {
        0
    }
    fn undeclared(&self) -> Vec<Undeclared> {
        Vec::new()
    }
    fn patterns(&self) -> Showing {
        Showing::default()
    }
}

fn detected(sheet: Sheet, given_up: &[u64]) -> Option<(u128, String)> {
    let mut day = GameDay::new(Scenario::parse(SCENARIO, "x.toml").unwrap(), 1, 0);
    day.steps[0].held = Some(Span {
        from_ns: FAULT,
        to_ns: FAULT + 10 * SECOND,
    });
    let found = day.detection(&[sheet], &GivenUp(given_up.to_vec()))?;
    Some((found.after.as_millis(), found.by))
}

fn sheet() -> Sheet {
    Sheet {
        service: "shop".into(),
        dependency: "payments".into(),
        ..Sheet::default()
    }
}

fn with_timeout() -> Sheet {
    let mut sheet = sheet();
    sheet.findings.timeout.ground.verdict = Verdict::Observed;
    sheet
}

#[test]
fn a_timeout_shows_by_the_first_call_given_up_under_the_fault() {
    let before = FAULT - SECOND;
    let found = detected(
        with_timeout(),
        &[before, FAULT + SECOND / 2, FAULT + SECOND],
    );
    assert_eq!(found, Some((600, "timeout of shop → payments".into())));
    assert_eq!(detected(with_timeout(), &[before]), None);
    assert_eq!(detected(with_timeout(), &[FAULT + 11 * SECOND]), None);
}

#[test]
fn calls_given_up_are_no_reaction_where_no_timeout_was_observed() {
    assert_eq!(detected(sheet(), &[FAULT + SECOND]), None);
    let mut absent = sheet();
    absent.findings.timeout.ground.verdict = Verdict::Absent;
    assert_eq!(detected(absent, &[FAULT + SECOND]), None);
}

#[test]
fn the_earliest_reaction_counts() {
    let mut sheet = with_timeout();
    let breaker = &mut sheet.findings.circuit_breaker;
    breaker.ground.verdict = Verdict::Observed;
    let at = |at_ns, state| Transition {
        at_ns,
        state,
        share: None,
    };
    breaker.transitions = vec![
        at(FAULT - SECOND, State::Open),
        at(FAULT + SECOND / 4, State::HalfOpen),
        at(FAULT + SECOND / 2, State::Open),
    ];
    let found = detected(sheet.clone(), &[FAULT + SECOND]);
    let breaker = (500, "circuit breaker of shop → payments".to_owned());
    assert_eq!(found, Some(breaker));
    let found = detected(sheet, &[FAULT + SECOND / 10]);
    assert_eq!(found.map(|it| it.0), Some(200));
}

#[test]
fn a_retry_shows_by_the_attempt_after_one_that_failed() {
    let mut sheet = sheet();
    sheet.findings.retry.ground.verdict = Verdict::Observed;
    let call = |began_ms: u64, outcome| crate::pattern::finding::Exhibit {
        connection: 1,
        began_ns: FAULT + began_ms * 1_000_000,
        ended_ns: FAULT + (began_ms + 10) * 1_000_000,
        outcome,
    };
    sheet.findings.retry.ground.exhibits = vec![
        call(100, Outcome::Ok),
        call(200, Outcome::Reset),
        call(310, Outcome::Ok),
    ];
    assert_eq!(
        detected(sheet, &[]),
        Some((310, "retry of shop → payments".into()))
    );
}
