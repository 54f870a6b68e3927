//! Probe killed, stopped, told to end, or robbed of what it works on: the traffic is as before
//! within a second, and nothing is left.
//!
//! `PROBE_KILLS` says how many times probe is killed, and how many times it is stopped: four
//! without it, 50 for the soak.

use std::{
    env, fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tests::{
    Family, Pair, Probe,
    echo::Echo,
    patience::{LONG, wait_until},
    priority, programs,
    snapshot::{Snapshot, Traces},
    starvation::Cage,
    turn::Turn,
};

/// Within which traffic has to be as before.
const LIMIT: Duration = Duration::from_secs(1);
/// A round trip that no fault is in, on a busy machine; the fault is ten times as long.
const UNHARMED: Duration = Duration::from_millis(20);
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_millis(400);

/// A namespace in which loopback is delayed as well: settings of `lo` are what a killed probe
/// leaves behind.
struct Ground {
    pair: Pair,
    before: Snapshot,
    faults: [String; 2],
}

impl Ground {
    fn new() -> Result<Self> {
        // Each single round trip counts.
        priority::go_before_others()?;
        let pair = Pair::new()?;
        let faults = Family::BOTH.map(|family| {
            let (to, netns) = (pair.far_address(family), &pair.near.name);
            let own = family.loopback();
            format!("delay 200ms --to {to} --to {own} --netns {netns} --for 60s")
        });
        let before = Snapshot::of(&pair.near)?;
        Ok(Self {
            pair,
            before,
            faults,
        })
    }

    /// Arms a fault, and sends a signal at a random moment.
    fn strike(&self, round: usize, random: &mut StdRng, signal: Signal) -> Result<Struck> {
        let probe = Probe::inject(&self.faults[round % 2])?;
        self.strike_armed(probe, round, random, |probe| {
            let struck = Instant::now();
            probe.signal(signal)?;
            Ok(struck)
        })
        .with_context(|| signal.to_string())
    }

    /// Takes note of all that comes with a fault, and strikes at a random moment.
    fn strike_armed(
        &self,
        probe: Probe,
        round: usize,
        random: &mut StdRng,
        strike: impl FnOnce(&Probe) -> Result<Instant>,
    ) -> Result<Struck> {
        let family = Family::BOTH[round % 2];
        let mut echo = Echo::new(&self.pair.near, self.pair.far_address(family))?;
        let traces = Traces::of(&probe)?;
        let wait = random.random_range(0..150);
        let under_fault = echo.ask(1 + wait / 10, Duration::from_millis(10), PATIENCE)?;
        ensure!(under_fault.median() > UNHARMED, "no fault: {under_fault:?}");
        let struck = strike(&probe)?;
        let replies = echo.ask(140, Duration::from_millis(10), PATIENCE)?;
        let last = replies.last_beyond(UNHARMED);
        let harmed = last.map_or(Duration::ZERO, |at| at.duration_since(struck));
        ensure!(harmed < LIMIT, "traffic was harmed for {harmed:?}");
        Ok(Struck {
            probe,
            traces,
            harmed,
        })
    }

    /// The next probe says that it cleared, and afterwards everything is as it was.
    fn next_probe_clears(&self, traces: &Traces) -> Result<()> {
        ensure!(!traces.pages().is_empty(), "nothing was noted down");
        let next = Probe::inject(&self.faults[0])?;
        ensure!(next.stderr().contains("cleared:"), "{}", next.stderr());
        let traces_of_next = Traces::of(&next)?;
        ensure!(next.end(Signal::SIGTERM)?.code() == 3, "not ended");
        ensure!(traces.pages().is_empty(), "{:?}", traces.pages());
        traces_of_next.wait_until_gone()?;
        self.before.wait_for_return(&self.pair.near)
    }
}

struct Struck {
    probe: Probe,
    traces: Traces,
    harmed: Duration,
}

fn rounds() -> usize {
    let asked = env::var("PROBE_KILLS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(4)
}

fn has_died(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_none_or(|state| state.starts_with('Z'))
}

/// After a death that probe could do nothing about: nothing is left but what the next start clears.
fn only_settings_are_left(ground: &Ground, round: usize, struck: Struck) -> Result<()> {
    ensure!(struck.probe.finish()?.code() == -9, "not killed");
    struck.traces.wait_until_gone()?;
    let left = ground.before.differences(&Snapshot::of(&ground.pair.near)?);
    ensure!(
        left.iter().all(|line| line.contains("/conf/lo/")),
        "{left:?}"
    );
    if round.is_multiple_of(2) {
        ensure!(!left.is_empty(), "IPv4 over lo needs settings");
        ground.next_probe_clears(&struck.traces)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn killed_at_any_moment_it_leaves_the_traffic_alone() -> Result<()> {
    // Any other probe that starts would clear up what is left here.
    let _turn = Turn::alone()?;
    let ground = Ground::new()?;
    let mut random = StdRng::seed_from_u64(1);
    let mut longest = Duration::ZERO;
    for round in 0..rounds() {
        let struck = ground.strike(round, &mut random, Signal::SIGKILL)?;
        longest = longest.max(struck.harmed);
        only_settings_are_left(&ground, round, struck)?;
    }
    println!(
        "{} times killed, traffic harmed for {longest:?} at most",
        rounds()
    );
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn out_of_memory_at_any_moment_it_leaves_the_traffic_alone() -> Result<()> {
    // Any other probe that starts would clear up what is left here.
    let _turn = Turn::alone()?;
    let ground = Ground::new()?;
    let mut random = StdRng::seed_from_u64(3);
    let mut longest = Duration::ZERO;
    for round in 0..rounds() {
        let mut cage = Cage::new()?;
        let mut command = cage.command(&programs::probe()?);
        command.args(["inject", "-o", "json"]);
        command.args(ground.faults[round % 2].split(' '));
        let mut probe = Probe::spawn(command)?;
        probe.wait_for("armed:")?;
        let struck = ground.strike_armed(probe, round, &mut random, |probe| {
            cage.starve()?;
            // Until memory runs out it lives, and may inject.
            wait_until("probe to be killed", LONG, || has_died(probe.pid()))?;
            Ok(Instant::now())
        })?;
        longest = longest.max(struck.harmed);
        only_settings_are_left(&ground, round, struck)?;
    }
    println!(
        "{} times out of memory, traffic harmed for {longest:?} at most",
        rounds()
    );
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn stopped_at_any_moment_it_leaves_the_traffic_alone() -> Result<()> {
    // Any other probe that starts would clear up what is left here.
    let _turn = Turn::alone()?;
    let ground = Ground::new()?;
    let mut random = StdRng::seed_from_u64(2);
    let mut longest = Duration::ZERO;
    for round in 0..rounds() {
        let struck = ground.strike(round, &mut random, Signal::SIGSTOP)?;
        longest = longest.max(struck.harmed);
        if round % 3 == 2 {
            struck.probe.signal(Signal::SIGKILL)?;
            ensure!(struck.probe.finish()?.code() == -9, "not killed");
            struck.traces.wait_until_gone()?;
            ground.next_probe_clears(&struck.traces)?;
            continue;
        }
        struck.probe.signal(Signal::SIGTERM)?;
        struck.probe.signal(Signal::SIGCONT)?;
        let ended = struck.probe.finish()?;
        ensure!(ended.code() == 3, "{ended:?}");
        struck.traces.wait_until_gone()?;
        ensure!(
            struck.traces.pages().is_empty(),
            "{:?}",
            struck.traces.pages()
        );
        ground.before.wait_for_return(&ground.pair.near)?;
    }
    println!(
        "{} times stopped, traffic harmed for {longest:?} at most",
        rounds()
    );
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn frozen_and_continued_it_does_not_take_up_its_fault_again() -> Result<()> {
    let _turn = Turn::together()?;
    let ground = Ground::new()?;
    for family in [0, 1] {
        let to = ground.pair.far_address(Family::BOTH[family]);
        let mut echo = Echo::new(&ground.pair.near, to)?;
        let probe = Probe::inject(&ground.faults[family])?;
        let traces = Traces::of(&probe)?;
        let trip = echo.once(PATIENCE)?.context("no answer under the fault")?;
        ensure!(trip > UNHARMED, "no fault: {trip:?}");
        let frozen = Instant::now();
        probe.signal(Signal::SIGSTOP)?;
        wait_until("traffic to be as before", LONG, || {
            matches!(echo.once(UNHARMED), Ok(Some(_)))
        })?;
        ensure!(frozen.elapsed() < LIMIT, "{:?}", frozen.elapsed());
        probe.signal(Signal::SIGCONT)?;
        let replies = echo.ask(50, Duration::from_millis(5), PATIENCE)?;
        ensure!(
            replies.last_beyond(UNHARMED).is_none(),
            "it came back: {replies:?}"
        );
        let ended = probe.finish()?;
        ensure!(ended.code() == 3, "{ended:?}");
        let json = ended.json()?;
        ensure!(json["ended_by"] == "guard", "{ended:?}");
        ensure!(ended.stderr.contains("probe was frozen for"), "{ended:?}");
        traces.wait_until_gone()?;
        ground.before.wait_for_return(&ground.pair.near)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn told_to_end_it_undoes_everything_and_says_so() -> Result<()> {
    let _turn = Turn::together()?;
    let ground = Ground::new()?;
    let mut echo = Echo::new(&ground.pair.near, ground.pair.far_address(Family::V4))?;
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let probe = Probe::inject(&ground.faults[0])?;
        let traces = Traces::of(&probe)?;
        let trip = echo.once(PATIENCE)?.context("no answer under the fault")?;
        ensure!(trip > UNHARMED, "no fault: {trip:?}");
        let ended = probe.end(signal)?;
        ensure!(ended.code() == 3, "{signal}: {ended:?}");
        ensure!(ended.json()?["ended_by"] == "operator", "{ended:?}");
        ensure!(ended.stderr.contains("ended: stopped by"), "{ended:?}");
        let trip = echo.once(PATIENCE)?.context("no answer after the fault")?;
        ensure!(trip < UNHARMED, "{signal}: still {trip:?}");
        traces.wait_until_gone()?;
        ensure!(traces.pages().is_empty(), "{:?}", traces.pages());
        ground.before.wait_for_return(&ground.pair.near)?;
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn without_its_interface_or_namespace_it_ends() -> Result<()> {
    let _turn = Turn::together()?;
    for robbed in ["interface", "namespace"] {
        let ground = Ground::new()?;
        let probe = Probe::inject(&ground.faults[0])?;
        let traces = Traces::of(&probe)?;
        match robbed {
            "interface" => ground.pair.near.ip("link delete wire").map(drop)?,
            _ => ground.pair.near.unlink()?,
        }
        let ended = probe.finish_within(LONG)?;
        ensure!(ended.code() == 3, "{robbed}: {ended:?}");
        ensure!(ended.json()?["ended_by"] == "guard", "{ended:?}");
        ensure!(ended.stderr.contains("is gone"), "{ended:?}");
        traces.wait_until_gone()?;
        ensure!(traces.pages().is_empty(), "{:?}", traces.pages());
    }
    Ok(())
}
