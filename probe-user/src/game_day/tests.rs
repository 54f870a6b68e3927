//! Game days over services made by hand.

use super::*;
use crate::verdict::{Effect, Verdict, VerdictKind};

mod course;

const START: u64 = 1_000_000_000_000;
const SECOND: u64 = 1_000_000_000;
const TICK: u64 = SECOND / 10;

const SCENARIO: &str = r#"
name = "payments slow"
hypothesis = "the shop keeps selling"
time_box = "2m"
[service]
name = "shop"
listen = 8080
[[dependency]]
name = "payments"
to = ["10.0.0.7:80"]
[steady_state]
for = "4s"
success_rate = ">= 99%"
p99 = "<= 400ms"
[[step]]
at = "0s"
for = "10s"
on = "payments"
fault = "delay"
delay = "2s"
[[step]]
at = "10s"
for = "5s"
on = "payments"
fault = "blackhole"
[expect]
success_rate = ">= 99%"
p99 = "<= 1s"
blast_radius = "<= 5%"
recovery = "<= 6s"
[abort]
success_rate = "< 50% for 3s"
p99 = "> 5s for 3s"
"#;

/// How one call of the service goes: answered well or given up, and after how long.
type Call = (bool, u64);

const WELL: Option<Call> = Some((true, 20));

/// A world in which a call to the service ends every 10 ms, made as time goes by.
#[derive(Default)]
struct World {
    calls: Vec<(u64, Call)>,
    lost: u64,
    hidden: Vec<Undeclared>,
    patterns: Showing,
    waiting: Option<u32>,
}

impl Evidence for World {
    fn service(&self, from_ns: u64, to_ns: u64) -> WindowStats {
        let mut stats = WindowStats {
            span_ms: (to_ns - from_ns) / 1_000_000,
            ..WindowStats::default()
        };
        let within = self
            .calls
            .iter()
            .filter(|(at, _)| (from_ns..to_ns).contains(at));
        for (_, (well, ms)) in within {
            stats.calls += 1;
            stats.waited.record(ms * 1_000);
            if *well {
                stats.ok += 1;
                stats.latency.record(ms * 1_000);
            } else {
                stats.abandoned += 1;
            }
        }
        stats
    }

    fn dependency(&self, name: &str, from_ns: u64, to_ns: u64) -> WindowStats {
        assert_eq!(name, "payments");
        self.service(from_ns, to_ns)
    }

    fn in_flight(&self, name: &str) -> Option<u32> {
        self.waiting.filter(|_| name == "payments")
    }

    fn lost_events(&self) -> u64 {
        self.lost
    }

    fn undeclared(&self) -> Vec<Undeclared> {
        self.hidden.clone()
    }

    fn patterns(&self) -> Showing {
        self.patterns.clone()
    }
}

/// A game day, its world, and what it asked for when (in ms since its start).
struct Run {
    day: GameDay,
    world: World,
    actions: Vec<(u64, Action)>,
    now: u64,
}

impl Run {
    fn new(scenario: &str) -> Self {
        let scenario = Scenario::parse(scenario, "x.toml").unwrap_or_else(|e| panic!("{e}"));
        Self {
            day: GameDay::new(scenario, 7, START),
            world: World::default(),
            actions: Vec::new(),
            now: START,
        }
    }

    /// Lets time go by until `until_s`, or the end. Faults touch a packet a tick.
    fn go(&mut self, until_s: u64, every: u64, service: impl Fn(&GameDay, u64) -> Option<Call>) {
        while self.now < START + until_s * SECOND && !self.day.is_over() {
            for at in (self.now..self.now + every).step_by((SECOND / 100) as usize) {
                if let Some(call) = service(&self.day, (at - START) / 1_000_000) {
                    self.world.calls.push((at, call));
                }
            }
            self.now += every;
            for step in 0..self.day.steps.len() {
                if self.day.is_armed(step) {
                    let mut counters = self.day.steps[step].counters;
                    counters.seen += 1;
                    counters.delayed += 1;
                    self.day.fault_counters(step, counters);
                }
            }
            self.tick();
        }
    }

    fn tick(&mut self) {
        let at = (self.now - START) / 1_000_000;
        let actions = self.day.tick(self.now, &self.world);
        self.actions
            .extend(actions.into_iter().map(|action| (at, action)));
    }

    fn verdict(&self) -> Verdict {
        self.day.verdict(&self.world).expect("the game day is over")
    }

    fn orders(&self) -> Vec<(u64, Action)> {
        let mut orders = self.actions.clone();
        orders.retain(|(_, action)| !matches!(action, Action::Tell(..)));
        orders
    }
}

fn status(verdict: &Verdict, name: &str) -> (Status, String) {
    let found = verdict.expectations.iter().find(|e| e.name == name);
    let found = found.unwrap_or_else(|| panic!("no expectation {name}"));
    (found.status, found.measured.clone())
}

#[test]
fn a_service_that_copes_passes() {
    let mut run = Run::new(SCENARIO);
    run.go(100, TICK, |_, _| WELL);
    let verdict = run.verdict();
    assert_eq!(
        (verdict.kind, verdict.kind.exit_code()),
        (VerdictKind::Passed, 0),
        "{}",
        verdict.reason
    );
    let end = |ms: u64| START + ms * 1_000_000;
    assert_eq!(
        run.orders(),
        [
            (
                4_000,
                Action::Arm {
                    step: 0,
                    ends_ns: end(14_000)
                }
            ),
            (14_000, Action::Disarm { step: 0 }),
            (
                14_000,
                Action::Arm {
                    step: 1,
                    ends_ns: end(19_000)
                }
            ),
            (19_000, Action::Disarm { step: 1 }),
            (23_000, Action::Finish),
        ]
    );
    assert_eq!(verdict.steady_state, (Status::Met, Status::Met));
    assert_eq!(verdict.metrics.time_to_recover, Some(Duration::ZERO));
    assert_eq!(verdict.metrics.automatic_recovery, Some(true));
    assert_eq!(verdict.metrics.degraded_not_down, Some(true));
    assert_eq!(
        (verdict.stats.before.calls, verdict.stats.during.calls),
        (400, 1_500)
    );
    assert_eq!(verdict.dependencies[0].stats.after.calls, 400);
    assert!(
        verdict
            .faults
            .iter()
            .all(|fault| fault.effect == Effect::Effective)
    );
    assert_ne!(run.day.step_seed(0), run.day.step_seed(1));
}

#[test]
fn a_service_that_waits_fails_by_its_p99() {
    let mut run = Run::new(SCENARIO);
    run.go(100, TICK, |day, _| {
        match day.is_armed(0) || day.is_armed(1) {
            true => Some((true, 2_100)),
            false => WELL,
        }
    });
    let verdict = run.verdict();
    assert_eq!(
        (verdict.kind, verdict.kind.exit_code()),
        (VerdictKind::Failed, 1)
    );
    assert_eq!(status(&verdict, "p99"), (Status::NotMet, "2.1 s".into()));
    assert_eq!(
        status(&verdict, "success_rate"),
        (Status::Met, "100%".into())
    );
    assert_eq!(status(&verdict, "blast_radius").0, Status::NotMet);
    assert_eq!(status(&verdict, "steady_state").0, Status::Met);
    assert!(
        verdict
            .reason
            .starts_with("p99 was 2.1 s, expected <= 1 s; blast_radius was ")
    );
    let broke = |entry: &&TimelineEntry| entry.text.starts_with("broke: p99");
    assert_eq!(run.day.timeline().iter().filter(broke).count(), 1);
}

#[test]
fn recovery_is_timed_from_the_last_fault() {
    let mut run = Run::new(SCENARIO);
    // Calls go on being slow for 2.5 s after the last fault, at 19 s.
    run.go(100, TICK, |_, ms| match (19_000..21_500).contains(&ms) {
        true => Some((true, 900)),
        false => WELL,
    });
    let verdict = run.verdict();
    let time = verdict.metrics.time_to_recover.unwrap().as_millis();
    assert!((2_400..=2_500).contains(&time), "{time}");
    assert_eq!(verdict.kind, VerdictKind::Passed);
    assert!(run.now - START <= 25_600 * 1_000_000);
}

#[test]
fn a_service_that_never_recovers_fails() {
    let mut run = Run::new(SCENARIO);
    run.go(100, TICK, |_, ms| match ms < 19_000 {
        true => WELL,
        false => Some((false, 900)),
    });
    let verdict = run.verdict();
    assert_eq!(verdict.kind, VerdictKind::Failed);
    assert_eq!(
        status(&verdict, "recovery"),
        (Status::NotMet, "more than 6 s".into())
    );
    assert_eq!(verdict.steady_state, (Status::Met, Status::NotMet));
    assert_eq!(verdict.metrics.automatic_recovery, Some(false));
    assert_eq!((run.now - START) / 1_000_000, 29_000);
    assert!(
        verdict
            .reason
            .contains("recovery took more than 6 s, expected <= 6 s")
    );
}

#[test]
fn a_guard_ends_everything_at_once() {
    let mut run = Run::new(SCENARIO);
    run.go(100, TICK, |day, _| match day.is_armed(0) {
        true => Some((false, 900)),
        false => WELL,
    });
    let verdict = run.verdict();
    assert_eq!(
        (verdict.kind, verdict.kind.exit_code()),
        (VerdictKind::Aborted, 3)
    );
    assert_eq!(
        verdict.reason,
        "guard tripped: success_rate was 0% over 3 s, limit < 50%"
    );
    assert_eq!(
        run.orders()[1..],
        [(7_000, Action::DisarmAll), (7_000, Action::Finish)]
    );
    assert_eq!(verdict.faults[1].effect, Effect::NotArmed);
    assert_eq!(verdict.steady_state.1, Status::Unknown);
    assert!(run.day.tick(run.now + TICK, &run.world).is_empty());
    assert!(run.day.abort(run.now, "again").is_empty());
}

#[test]
fn one_bad_moment_trips_no_guard() {
    let mut run = Run::new(SCENARIO);
    run.go(100, TICK, |_, ms| match (7_000..7_500).contains(&ms) {
        true => Some((true, 9_000)),
        false => WELL,
    });
    assert_eq!(run.verdict().kind, VerdictKind::Failed);
}

#[test]
fn a_person_can_stop_it_in_every_phase() {
    for (at_s, armed) in [(1, false), (6, true), (20, true)] {
        let mut run = Run::new(SCENARIO);
        run.go(at_s, TICK, |_, ms| if ms < 19_000 { WELL } else { None });
        let actions = run.day.abort(run.now, "stopped by the operator");
        assert_eq!(actions[0], Action::DisarmAll);
        assert_eq!(actions.last(), Some(&Action::Finish));
        let verdict = run.verdict();
        assert_eq!(verdict.kind, VerdictKind::Aborted);
        assert_eq!(verdict.reason, "stopped by the operator");
        assert_eq!(verdict.stats.during.calls > 0, armed);
    }
}

#[test]
fn a_fault_that_touches_nothing_is_ineffective() {
    let mut run = Run::new(SCENARIO);
    // Even where an expectation broke.
    run.go(100, TICK, |day, _| match day.is_armed(1) {
        true => Some((true, 2_000)),
        false => WELL,
    });
    let seen = FaultCounters {
        seen: 37,
        passed: 37,
        ..FaultCounters::default()
    };
    run.day.fault_counters(1, seen);
    let verdict = run.verdict();
    assert_eq!(
        (verdict.kind, verdict.kind.exit_code()),
        (VerdictKind::Ineffective, 4)
    );
    assert_eq!(
        verdict.reason,
        "step 2 (payments · blackhole) touched none of the 37 packets it saw"
    );
}

#[test]
fn without_traffic_or_health_nothing_is_injected() {
    let mut run = Run::new(SCENARIO);
    run.go(100, TICK, |_, _| None);
    let verdict = run.verdict();
    assert_eq!(
        (verdict.kind, verdict.kind.exit_code()),
        (VerdictKind::Inconclusive, 5)
    );
    assert_eq!(run.orders(), [(15_000, Action::Finish)]);
    assert!(
        verdict
            .reason
            .ends_with("nothing was injected: no call to shop ended"),
        "{}",
        verdict.reason
    );
    assert_eq!(verdict.steady_state.0, Status::NotMet);

    let mut run = Run::new(SCENARIO);
    run.go(100, TICK, |_, _| Some((true, 900)));
    let verdict = run.verdict();
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert!(verdict.reason.contains("p99 893 ms"), "{}", verdict.reason);

    // Warming up is waited for.
    let mut run = Run::new(SCENARIO);
    run.go(100, TICK, |_, ms| {
        Some((true, if ms < 6_000 { 900 } else { 20 }))
    });
    assert_eq!(run.verdict().kind, VerdictKind::Passed);
}

#[test]
fn traffic_that_stops_with_the_faults_leaves_it_open() {
    let mut run = Run::new(SCENARIO);
    run.go(100, TICK, |_, ms| if ms < 4_000 { WELL } else { None });
    let verdict = run.verdict();
    assert_eq!(verdict.kind, VerdictKind::Inconclusive);
    assert_eq!(status(&verdict, "p99"), (Status::Unknown, "–".into()));
    assert_eq!(verdict.metrics.degraded_not_down, None);
}

#[test]
fn lost_evidence_leaves_it_open_where_it_could_matter() {
    for (lost, kind) in [(2, VerdictKind::Passed), (500, VerdictKind::Inconclusive)] {
        let mut run = Run::new(SCENARIO);
        run.world.lost = 1_000_000; // Before the game day: of no matter.
        run.go(10, TICK, |_, _| WELL);
        run.world.lost += lost;
        run.go(100, TICK, |_, _| WELL);
        let verdict = run.verdict();
        assert_eq!(
            (verdict.kind, verdict.lost_events),
            (kind, lost),
            "{}",
            verdict.reason
        );
    }
}

#[test]
fn late_ticks_do_what_was_due() {
    let mut run = Run::new(SCENARIO);
    run.tick();
    run.go(100, 7 * SECOND, |_, _| WELL);
    let verdict = run.verdict();
    assert_eq!(verdict.kind, VerdictKind::Passed, "{}", verdict.reason);
    let at = |ms: u64| START + ms * 1_000_000;
    assert_eq!(
        run.orders(),
        [
            (
                7_000,
                Action::Arm {
                    step: 0,
                    ends_ns: at(17_000)
                }
            ),
            (21_000, Action::Disarm { step: 0 }),
            (
                21_000,
                Action::Arm {
                    step: 1,
                    ends_ns: at(26_000)
                }
            ),
            (28_000, Action::Disarm { step: 1 }),
            (35_000, Action::Finish),
        ]
    );
    assert!(
        run.day
            .timeline()
            .iter()
            .any(|entry| entry.text.contains(", 4 s late"))
    );
    assert_eq!(verdict.metrics.time_to_recover, Some(Duration::ZERO));
}

#[test]
fn the_time_box_holds() {
    let scenario = SCENARIO.replace("time_box = \"2m\"", "time_box = \"23s\"");
    let mut run = Run::new(&scenario);
    run.go(100, TICK, |_, ms| match (15_000..26_000).contains(&ms) {
        true => Some((true, 900)),
        false => WELL,
    });
    let verdict = run.verdict();
    assert_eq!(verdict.kind, VerdictKind::Aborted);
    assert_eq!(verdict.reason, "the time box of 23 s is full");
}

#[test]
fn commands_are_run_and_their_exit_is_kept() {
    let commands = SCENARIO.replace(
        "[expect]",
        "[[step]]\nat = \"5s\"\nrun = [\"wrk\", \"-d5\"]\n[[step]]\nat = \"6s\"\nrun = [\"x\"]\n[expect]",
    );
    let mut run = Run::new(&commands);
    run.go(12, TICK, |_, _| WELL);
    assert!(run.orders().contains(&(9_000, Action::Run { step: 2 })));
    run.day.command_ended(2, run.now, Some(3));
    run.day.command_ended(0, run.now, Some(3)); // No command: passed over.
    run.go(100, TICK, |_, _| WELL);
    let verdict = run.verdict();
    assert_eq!(verdict.kind, VerdictKind::Passed);
    assert_eq!(
        (verdict.commands[0].step, verdict.commands[0].exit_code),
        (3, Some(3))
    );
    assert_eq!(
        (verdict.commands[1].started, verdict.commands[1].exit_code),
        (true, None)
    );
    let texts: Vec<&str> = run.day.timeline().iter().map(|e| e.text.as_str()).collect();
    assert!(
        texts.contains(&"command exited with 3: wrk -d5"),
        "{texts:?}"
    );
    assert!(texts.contains(&"still ran at the end: x"), "{texts:?}");
}

#[test]
fn a_game_day_of_commands_alone_waits_for_them() {
    let start = SCENARIO.find("[[step]]").unwrap();
    let scenario = format!(
        "{}[[step]]\nat = \"1s\"\nrun = [\"deploy\"]\n[expect]\np99 = \"<= 1s\"\n",
        &SCENARIO[..start]
    );
    let mut run = Run::new(&scenario);
    run.go(15, TICK, |_, _| WELL);
    assert_eq!(run.orders(), [(5_000, Action::Run { step: 0 })]);
    run.day.command_ended(0, run.now, Some(0));
    run.go(100, TICK, |_, _| WELL);
    let verdict = run.verdict();
    assert_eq!(verdict.kind, VerdictKind::Passed, "{}", verdict.reason);
    assert_eq!(verdict.stats.during.span_ms, 11_100);
}

#[test]
fn the_view_tells_where_it_is() {
    let mut run = Run::new(SCENARIO);
    let mut phases: Vec<String> = Vec::new();
    while !run.day.is_over() {
        let until = (run.now - START) / SECOND + 1;
        run.go(until, TICK, |_, ms| match (19_000..20_500).contains(&ms) {
            true => Some((true, 900)),
            false => WELL,
        });
        let view = run.day.view(run.now, &run.world);
        assert!((0.0..=1.0).contains(&view.progress.unwrap()));
        assert_eq!(view.expectations.len(), 5);
        assert_eq!(view.verdict.is_some(), run.day.is_over());
        if phases.last() != Some(&view.phase) {
            phases.push(view.phase);
        }
    }
    assert_eq!(
        phases,
        [
            "steady state",
            "faults",
            "recovery",
            "steady state again",
            "over"
        ]
    );
    let view = run.day.view(run.now, &run.world);
    assert_eq!(view.verdict.as_deref(), Some("passed"));
    assert_eq!(view.expectations[0].measured, "100%");
}

#[test]
fn a_hidden_dependency_fails_where_none_is_expected_and_is_named() {
    let strict = SCENARIO.replace("[expect]", "[expect]\nundeclared_dependencies = 0");
    let lenient = SCENARIO.to_owned();
    for (scenario, hidden, kind) in [
        (&strict, true, VerdictKind::Failed),
        (&strict, false, VerdictKind::Passed),
        (&lenient, true, VerdictKind::Passed),
    ] {
        let mut run = Run::new(scenario);
        if hidden {
            run.world.hidden.push(Undeclared {
                name: "redis".into(),
                remote: "10.0.0.9:6379".into(),
                service: "shop".into(),
                ..Undeclared::default()
            });
        }
        run.go(60, TICK, |_, _| WELL);
        let verdict = run.verdict();
        assert_eq!(verdict.kind, kind, "{}", verdict.reason);
        assert_eq!(verdict.undeclared.len(), usize::from(hidden));
        let is_named = verdict.reason.contains("redis (10.0.0.9:6379)");
        assert_eq!(is_named, kind == VerdictKind::Failed, "{}", verdict.reason);
    }
}
