//! The detectors against simulated callers of known behaviour, hundreds of each kind.

mod cases;
mod chance;
mod policies;
mod score;
mod setup;
mod steady;
mod world;

use cases::{ALL, About};
use chance::Chance;
use score::Board;
use world::World;

use super::declared::{self, Agreement};
use super::finding::{Findings, Verdict};
use super::recording::{Line, Recording};
use super::watch::Settings;

/// Runs so many cases of a kind.
fn run(about: About, seeds: std::ops::Range<u64>, board: &mut Board) {
    for seed in seeds {
        let mut chance = Chance::new(seed ^ ((about as u64) << 32));
        let setup = cases::setup(about, &mut chance);
        let case = format!("{about:?} {seed} {}", brief(&setup));
        let (recording, facts, setup) = World::run(setup, seed);
        let truth = cases::truth(case, &setup, &facts);
        board.count(&truth, &recording.replay(Settings::default()));
    }
}

/// What matters of a setup, for who looks at what went wrong.
fn brief(it: &world::Setup) -> String {
    let breaker = it
        .breaker
        .as_ref()
        .map(|it| (it.trip, it.open_ms, it.probes, it.ramp_ms));
    format!(
        "{:?} in={} req={:?} ka={} to={:?}/{:?}/{:?}/{:?} att={} {:?} br={breaker:?} inside={} lim={:?} q={} lat={:.0} fault={:?} delay={:.0}",
        it.demand,
        it.inbound,
        it.requests,
        it.keep_alive,
        it.connect_timeout,
        it.read_timeout,
        it.total_timeout,
        it.deadline,
        it.attempts,
        it.wait,
        it.breaker_inside,
        it.limit,
        it.queues,
        it.latency,
        it.fault,
        it.delay
    )
}

/// What each pattern has to reach in 320 cases, whatever the seed: precision and recall. Aimed at
/// are 0.98 and 0.95; docs/patterns.md has what was reached in thousands.
const FLOORS: [(&str, f64, f64); 6] = [
    ("timeout", 0.98, 0.98),
    ("retry", 0.95, 0.85),
    ("circuit_breaker", 0.95, 0.75),
    ("bulkhead", 0.96, 0.93),
    ("fallback", 0.98, 0.90),
    ("load_shedding", 0.98, 0.93),
];
/// The same for parameters: the share that is right.
const RIGHT: [(&str, f64); 7] = [
    ("timeout", 0.98),
    ("limit", 0.99),
    ("open time", 0.95),
    ("transitions", 0.97),
    ("attempts", 0.75),
    ("base", 0.65),
    ("jitter", 0.68),
];

#[test]
fn the_figures_hold_over_simulated_callers() {
    let number = |name: &str, other| {
        let set = std::env::var(name).ok();
        set.and_then(|it| it.parse().ok()).unwrap_or(other)
    };
    let (from, times) = (number("PATTERN_FROM", 0), number("PATTERN_SEEDS", 40));
    let mut board = Board::default();
    for about in ALL {
        run(about, from..from + times, &mut board);
    }
    println!("{board}");
    for wrong in &board.wrong {
        println!("  {wrong}");
    }
    for (name, precision, recall) in FLOORS {
        let score = &board.patterns[name];
        assert!(score.precision() >= precision, "{name}: {score:?}");
        assert!(score.recall() >= recall, "{name}: {score:?}");
    }
    for (name, share) in RIGHT {
        let (right, of) = board.parameters[name];
        assert!(
            f64::from(right) >= share * f64::from(of),
            "{name}: {right} of {of}"
        );
    }
}

#[test]
fn a_recording_is_read_as_it_was_written() {
    let mut chance = Chance::new(3);
    let (recording, _, _) = World::run(cases::setup(About::Everything, &mut chance), 3);
    let read = Recording::read(&recording.write()).unwrap();
    assert_eq!(read, recording);
    assert_eq!(
        read.replay(Settings::default()),
        recording.replay(Settings::default())
    );
    let wrong = Recording::read("{\"ask\":{\"at_ns\":1}}\nnothing").unwrap_err();
    assert!(wrong.starts_with("line 2: "), "{wrong}");
}

#[test]
fn recorded_cases_are_told_right() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/recordings");
    let mut board = Board::default();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|it| it == "jsonl") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let recording = Recording::read(&text).unwrap();
            let said = recording.replay(Settings::default());
            recording
                .truths()
                .for_each(|truth| board.count(truth, &said));
        }
    }
    println!("{board}");
    assert!(board.wrong.is_empty(), "{:#?}", board.wrong);
}

#[test]
fn a_declared_policy_is_read_and_compared() {
    let text = "[[dependency]]\nname = \"payments\"\ntimeout = \"500ms\"\nretry = false\n";
    let policy = &declared::read(text).unwrap()[0];
    let mut found = Findings::default();
    found.timeout.ground.verdict = Verdict::Observed;
    found.timeout.value_ms = Some(900.0);
    let told: Vec<_> = declared::compare(policy, &found)
        .iter()
        .map(|it| (it.what, it.agreement))
        .collect();
    assert_eq!(
        told,
        [
            ("timeout", Agreement::Same),
            ("timeout.value", Agreement::Differs),
            ("retry", Agreement::Unknown)
        ]
    );
    let wrong = declared::read("[[dependency]]\nname = \"a\"\nretri = false").unwrap_err();
    assert!(
        wrong.to_string().contains("\"retri\" is not known\nhint: "),
        "{wrong}"
    );
}

/// Run with --release: what a call costs, and a verdict.
#[test]
#[ignore = "measures"]
fn what_a_call_costs() {
    let mut chance = Chance::new(5);
    let setup = cases::setup(About::Everything, &mut chance);
    let (recording, _, _) = World::run(setup, 5);
    let calls: Vec<_> = recording
        .lines
        .iter()
        .filter_map(|it| match it {
            Line::Attempt(attempt) => Some(*attempt),
            _ => None,
        })
        .collect();
    let mut patterns = super::watch::Patterns::new(Settings::default());
    let since = std::time::Instant::now();
    for round in 0..200_u64 {
        for call in &calls {
            let mut call = *call;
            call.began_ns += round * 60_000_000_000;
            call.ended_ns += round * 60_000_000_000;
            patterns.observe(&call);
        }
    }
    let fed = 200 * calls.len() as u32;
    println!("{fed} calls, {:?} each", since.elapsed() / fed);
    let since = std::time::Instant::now();
    patterns.judge(200 * 60_000_000_000 + world::START);
    let said = patterns.findings().count();
    println!("{said} verdicts in {:?}", since.elapsed());
}
