//! Verdicts as who looks on sees them, twice a second: what was seen is not taken back.

use std::collections::HashMap;

use super::cases::{self, ALL, About};
use super::chance::Chance;
use super::policies::{Breaker, Trip, Wait};
use super::world::{Demand, MAIN, Requests, START, Setup, World};
use crate::pattern::attempt::Gauge;
use crate::pattern::finding::Verdict;
use crate::pattern::ledger::FaultKind;
use crate::pattern::recording::{Line, Recording};
use crate::pattern::watch::Settings;

const EVERY_NS: u64 = 500_000_000;

/// A breaker's verdict from some moment on: when, which, and why.
type Turn = (f64, Verdict, String);

/// What is said of one dependency's breaker, each time that is another verdict than before.
fn course(recording: &Recording, dependency: u32) -> Vec<Turn> {
    let mut said: Vec<Turn> = Vec::new();
    let watched = watched(recording);
    watched.replay_hearing(Settings::default(), |at, findings| {
        let about = findings.into_iter().find(|it| it.dependency == dependency);
        let Some(now) = about.map(|it| it.circuit_breaker.ground) else {
            return;
        };
        if said.last().is_none_or(|it| it.1 != now.verdict) {
            let at = at.saturating_sub(START) as f64 / 1e9;
            said.push((at, now.verdict, now.evidence));
        }
    });
    said
}

/// Asked twice a second, and told how many calls are under way each time, as live.
fn watched(recording: &Recording) -> Recording {
    let calls: Vec<_> = recording
        .lines
        .iter()
        .filter_map(|it| match it {
            Line::Attempt(attempt) => Some(*attempt),
            _ => None,
        })
        .collect();
    let mut lines = Vec::new();
    let mut next = None;
    for line in &recording.lines {
        let at = match line {
            Line::Attempt(attempt) => Some(attempt.ended_ns),
            Line::Inbound(call) => Some(call.ended_ns),
            _ => None,
        };
        if let Some(at) = at {
            let due = next.get_or_insert(at + EVERY_NS);
            while *due <= at {
                lines.extend(gauges(&calls, *due).map(Line::Gauge));
                lines.push(Line::Ask { at_ns: *due });
                *due += EVERY_NS;
            }
        }
        lines.push(line.clone());
    }
    Recording { lines }
}

fn gauges(
    calls: &[crate::pattern::attempt::Attempt],
    at_ns: u64,
) -> impl Iterator<Item = Gauge> + use<> {
    let mut under_way: HashMap<(u32, u32), u32> = HashMap::new();
    for call in calls {
        let count = under_way
            .entry((call.service, call.dependency))
            .or_default();
        let began_ns = call.began_ns - call.connect_ns;
        *count += u32::from((began_ns..call.ended_ns).contains(&at_ns));
    }
    under_way
        .into_iter()
        .map(move |((service, dependency), in_flight)| Gauge {
            service,
            dependency,
            at_ns,
            in_flight,
            in_flight_max: in_flight,
            oldest_ns: 0,
        })
}

/// A shop of twenty products whose suggestions fail for a few seconds.
fn shop(chance: &mut Chance) -> Setup {
    let plain = cases::setup(About::Control, chance);
    let attempts = 1 + 2 * chance.below(2) as u32;
    Setup {
        demand: Demand::Random { rate: 25.0 },
        inbound: true,
        beside: true,
        requests: Requests::Few(20),
        keep_alive: true,
        attempts,
        wait: Wait::Full(50.0, 2.0, 1e5),
        breaker: Some(Breaker::new(Trip::Consecutive(5), 1_000.0, 1, 0.0)),
        breaker_inside: true,
        fallback: true,
        fault: Some((FaultKind::Errors, 1.0, 8.0, 12.0)),
        lasts: 16.0,
        limit: None,
        dies: None,
        idle: None,
        surge: None,
        ..plain
    }
}

/// The shop's calls, by themselves.
fn recorded(seed: u64) -> Recording {
    World::run(shop(&mut Chance::new(seed)), seed).0
}

#[test]
fn a_breaker_that_was_seen_stays_seen_though_requests_come_again() {
    for seed in 0..60 {
        let course = course(&recorded(seed), MAIN);
        let verdicts: Vec<_> = course.iter().map(|it| it.1).collect();
        let expected = [Verdict::Unknown, Verdict::Observed];
        assert_eq!(verdicts, expected, "seed {seed}: {course:#?}");
    }
}

/// What is told in the end where events were lost so many seconds after the beginning.
fn told_after_losses(recording: &Recording, at_s: &[u64]) -> Verdict {
    let mut recording = recording.clone();
    let losses = at_s.iter().map(|at| Line::Lost {
        at_ns: START + at * 1_000_000_000,
        from_ns: u64::MAX,
    });
    let last = recording.lines.len() - 1;
    recording.lines.splice(last..last, losses);
    let said = recording.replay(Settings::default());
    let about = said.iter().find(|it| it.dependency == MAIN);
    about.map_or(Verdict::Unknown, |it| it.circuit_breaker.ground.verdict)
}

#[test]
fn events_that_were_lost_at_another_time_take_nothing_back() {
    let recording = recorded(1);
    assert_eq!(told_after_losses(&recording, &[15]), Verdict::Observed);
    let all_along = [9, 10, 11, 12, 13, 14];
    assert_eq!(told_after_losses(&recording, &all_along), Verdict::Unknown);
}

/// Run with PATTERN_SEEDS: each case in which something seen was taken back, or wrong for a time.
#[test]
#[ignore = "shows"]
fn what_was_taken_back() {
    let times = std::env::var("PATTERN_SEEDS").ok();
    let times = times.and_then(|it| it.parse().ok()).unwrap_or(40);
    let (mut taken_back, mut cases, mut wrong) = (0, 0, 0);
    for about in ALL {
        for seed in 0..times {
            let mut chance = Chance::new(seed ^ ((about as u64) << 32));
            let setup = cases::setup(about, &mut chance);
            let case = format!("{about:?} {seed} {}", super::brief(&setup));
            let (recording, facts, setup) = World::run(setup, seed);
            let truth = cases::truth(case, &setup, &facts);
            let there = truth.circuit_breaker;
            let course = course(&recording, truth.dependency);
            let saw = |it: &Turn| it.1 == Verdict::Observed;
            let flips = course.windows(2).filter(|it| saw(&it[0])).count();
            let is_wrong = there == Some(false) && course.iter().any(saw);
            taken_back += flips;
            wrong += usize::from(is_wrong);
            cases += usize::from(flips > 0);
            if flips > 0 || is_wrong {
                println!("{there:?} {}", truth.case);
                for (at, verdict, evidence) in &course {
                    println!("   {at:.1} {verdict:?} {evidence}");
                }
            }
        }
    }
    println!("taken back {taken_back} times in {cases} cases, wrong for a time in {wrong}");
}
