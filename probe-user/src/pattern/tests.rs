//! The detectors against simulated callers of known behaviour, hundreds of each kind.

mod cases;
mod chance;
mod policies;
mod score;
mod world;

use cases::{ALL, About};
use chance::Chance;
use score::Board;
use world::World;

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

#[test]
fn the_figures_hold_over_simulated_callers() {
    let times = std::env::var("PATTERN_SEEDS")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(60);
    let mut board = Board::default();
    for about in ALL {
        run(about, 0..times, &mut board);
    }
    println!("{board}");
    for wrong in &board.wrong {
        println!("  {wrong}");
    }
}
