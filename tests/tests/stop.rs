//! The kill switch: every fault of the host ends at once, also those of a probe that hangs.

use std::{
    env,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Family, Pair, Probe,
    echo::Echo,
    patience::{LONG, wait_until},
    priority,
    snapshot::{Snapshot, Traces},
    turn::Turn,
};

/// Far less than the fault, and than the lease that would end it anyway.
const AT_ONCE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(1);

#[test]
#[ignore = "needs root"]
fn stop_ends_the_faults_of_a_probe_that_runs_and_of_one_that_hangs() -> Result<()> {
    let _turn = Turn::alone()?;
    priority::go_before_others()?;
    let pair = Pair::new()?;
    let before = Snapshot::of(&pair.near)?;
    for hangs in [false, true] {
        for family in Family::BOTH {
            let to = pair.far_address(family);
            let mut echo = Echo::new(&pair.near, to)?;
            let netns = &pair.near.name;
            let probe = Probe::inject(&format!("delay 200ms --to {to} --netns {netns} --for 60s"))?;
            let traces = Traces::of(&probe)?;
            let trip = echo.once(PATIENCE)?.context("no answer under the fault")?;
            ensure!(trip > AT_ONCE, "no fault: {trip:?}");
            if hangs {
                probe.signal(Signal::SIGSTOP)?;
            }
            let stopped = Probe::start("stop -o json")?.finish()?;
            let trip = echo.once(PATIENCE)?.context("no answer after the stop")?;
            ensure!(trip < AT_ONCE, "hangs {hangs}: still {trip:?}");
            ensure!(stopped.code() == 0, "{stopped:?}");
            ensure!(stopped.json()?["schema"] == "probe.stop/1", "{stopped:?}");
            ensure!(
                stopped.json()?["stopped"].as_u64() >= Some(1),
                "{stopped:?}"
            );
            if hangs {
                probe.signal(Signal::SIGCONT)?;
            }
            let ended = probe.finish()?;
            ensure!(ended.code() == 3, "{ended:?}");
            ensure!(ended.json()?["ended_by"] == "operator", "{ended:?}");
            traces.wait_until_gone()?;
            before.wait_for_return(&pair.near)?;
        }
    }
    Ok(())
}

/// From the start of `probe stop` until no packet is harmed any more, also none that waits. Of a
/// probe that is frozen, until none is harmed that is sent then: what waits, it keeps.
///
/// `PROBE_STOPS` says how often each is tried: twice without it.
#[test]
#[ignore = "needs root"]
fn stop_takes_less_than_100_ms() -> Result<()> {
    const LIMIT: Duration = Duration::from_millis(100);
    let _turn = Turn::alone()?;
    priority::go_before_others()?;
    let pair = Pair::new()?;
    let to = pair.far_address(Family::V4);
    let rounds = env::var("PROBE_STOPS").ok();
    let rounds = rounds.and_then(|text| text.parse().ok()).unwrap_or(2);
    for frozen in [false, true] {
        for fault in ["blackhole", "delay 400ms"] {
            let mut took = Vec::new();
            for _ in 0..rounds {
                let mut echo = Echo::new(&pair.near, to)?;
                let netns = &pair.near.name;
                let probe = Probe::inject(&format!("{fault} --to {to} --netns {netns} --for 60s"))?;
                // Something is to wait when it is stopped.
                let early = echo.ask(5, Duration::from_millis(2), Duration::ZERO)?;
                ensure!(early.round_trips.is_empty(), "no fault: {early:?}");
                if frozen {
                    probe.signal(Signal::SIGSTOP)?;
                }
                let asked = Instant::now();
                let stop = Probe::start("stop")?;
                let replies = echo.ask(150, Duration::from_millis(2), PATIENCE)?;
                ensure!(stop.finish()?.code() == 0, "it could not be stopped");
                let harmed = replies.requests.iter().filter_map(|(sent, trip)| {
                    let trip = trip.unwrap_or(PATIENCE);
                    let until = if frozen || fault == "blackhole" {
                        *sent
                    } else {
                        *sent + trip
                    };
                    (trip > AT_ONCE).then(|| until.duration_since(asked))
                });
                took.push(harmed.max().unwrap_or_default());
                if frozen {
                    probe.signal(Signal::SIGCONT)?;
                }
                ensure!(probe.finish()?.code() == 3, "it did not end");
            }
            took.sort();
            let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
            let whose = if frozen { "a frozen probe" } else { "a probe" };
            println!(
                "{rounds} times {fault} of {whose} stopped, {median:?} in the median, \
                 {longest:?} at most"
            );
            ensure!(median < LIMIT, "{fault}, frozen {frozen}: {took:?}");
            // A machine that is busy for a moment keeps this test waiting as well.
            ensure!(longest < 5 * LIMIT, "{fault}, frozen {frozen}: {took:?}");
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn stop_may_be_said_twice() -> Result<()> {
    let _turn = Turn::alone()?;
    // Somebody else on the host may be injecting: once their faults are over, there are none.
    wait_until("nothing to be stopped", LONG, || {
        let stopped = Probe::start("stop").and_then(Probe::finish);
        stopped.is_ok_and(|it| it.code() == 0 && it.stdout == "nothing was active\n")
    })
}

#[test]
#[ignore = "needs root"]
fn status_tells_what_holds_by_whom_and_where() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let netns = &pair.near.name;
    let probe = Probe::inject(&format!(
        "loss 30% --to 10.88.0.2 --netns {netns} --for 60s"
    ))?;
    let told = Probe::start("status -o json")?.finish()?;
    ensure!(told.code() == 0, "{told:?}");
    let mine = format!("\"pid\":{}", probe.pid());
    ensure!(
        told.stdout.contains(&mine),
        "{} is not in {told:?}",
        probe.pid()
    );
    ensure!(told.stdout.contains("10.88.0.2"), "{told:?}");
    probe.end(Signal::SIGTERM)?;
    let told = Probe::start("status -o json")?.finish()?;
    ensure!(!told.stdout.contains(&mine), "{told:?}");
    Ok(())
}
