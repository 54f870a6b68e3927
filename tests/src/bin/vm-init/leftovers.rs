//! However a fault ends, nothing of it stays: not where it was killed, not where it hangs, not
//! where others use the same interface.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Ended, Family, Netns, Pair, Probe,
    echo::Echo,
    pair::INTERFACE,
    programs::run,
    snapshot::{Snapshot, Traces},
    wait_until,
};

use crate::faults::{end, inject};

/// By when traffic has to be back: many times the lease, because the machine is emulated.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long an answer may take that is not delayed.
const ANSWER: Duration = Duration::from_millis(900);

/// Traffic comes back by itself; the next probe finds the rest and clears it.
pub(crate) fn sigkill() -> Result<()> {
    let pair = Pair::new()?;
    let before = Snapshot::of(&pair.near)?;
    let mut echo = Echo::new(&pair.near, pair.far_address(Family::V4))?;
    for fault in ["loss 100%", "delay 10s", "corrupt 100%"] {
        let probe = inject(&pair, Family::V4, fault)?;
        let traces = Traces::of(&probe)?;
        ensure!(echo.once(ANSWER)?.is_none(), "{fault}: it doesn't hold");
        killed(probe)?;
        comes_back(&mut echo).context(fault)?;
        if has_tcx() {
            traces.wait_until_gone()?;
            ensure!(traces.pages().is_empty(), "{:?}", traces.pages());
        } else {
            cleared(&traces)?;
        }
        before.wait_for_return(&pair.near)?;
    }
    Ok(())
}

/// A lane goes with its process, and what waits in it: nothing is there but what was before.
pub(crate) fn sigkill_of_a_lane() -> Result<()> {
    let pair = Pair::new()?;
    let before = Snapshot::of(&pair.near)?;
    let mut echo = Echo::new(&pair.near, pair.far_address(Family::V4))?;
    let probe = inject(&pair, Family::V4, "delay 10s --delay-backend fq")?;
    let traces = Traces::of(&probe)?;
    ensure!(echo.once(ANSWER)?.is_none(), "it doesn't hold");
    ensure!(
        pair.near.ip("-o link show")?.contains("probe0"),
        "there is no lane"
    );
    killed(probe)?;
    comes_back(&mut echo)?;
    if !has_tcx() {
        cleared(&traces)?;
    }
    traces.wait_until_gone()?;
    before.wait_for_return(&pair.near)
}

/// Settings of `lo` don't go with a process: the next fault brings them back first.
pub(crate) fn sigkill_on_loopback() -> Result<()> {
    let near = Netns::new("alone")?;
    let before = Snapshot::of(&near)?;
    let mut echo = Echo::new(&near, Family::V4.loopback())?;
    let fault = format!("delay 10s --to 127.0.0.1 --netns {} --for 10m", near.name);
    let probe = Probe::inject(&fault)?;
    let first = Traces::of(&probe)?;
    ensure!(echo.once(ANSWER)?.is_none(), "it doesn't hold");
    killed(probe)?;
    comes_back(&mut echo)?;
    ensure!(!first.pages().is_empty(), "nothing was noted");
    let second = Probe::inject(&fault)?;
    ensure!(second.stderr().contains("cleared"), "{}", second.stderr());
    ensure!(first.pages().is_empty(), "{:?}", first.pages());
    first.wait_until_gone()?;
    end(second)?;
    before.wait_for_return(&near)
}

/// A probe that hangs no longer vouches for its faults.
pub(crate) fn sigstop() -> Result<()> {
    let pair = Pair::new()?;
    let before = Snapshot::of(&pair.near)?;
    let mut echo = Echo::new(&pair.near, pair.far_address(Family::V4))?;
    let probe = inject(&pair, Family::V4, "loss 100%")?;
    ensure!(echo.once(ANSWER)?.is_none(), "it doesn't hold");
    probe.signal(Signal::SIGSTOP)?;
    comes_back(&mut echo)?;
    probe.signal(Signal::SIGCONT)?;
    end(probe)?;
    before.wait_for_return(&pair.near)
}

/// The kill switch ends a fault, its probe says so, and throwing it twice does no harm.
pub(crate) fn stop() -> Result<()> {
    let pair = Pair::new()?;
    let before = Snapshot::of(&pair.near)?;
    let mut echo = Echo::new(&pair.near, pair.far_address(Family::V4))?;
    let probe = inject(&pair, Family::V4, "loss 100%")?;
    let traces = Traces::of(&probe)?;
    let stopped = stop_all()?.json()?;
    ensure!(stopped["stopped"] == 1, "{stopped}");
    comes_back(&mut echo)?;
    let ended = probe.finish()?;
    ensure!(ended.code() == 3, "exit code {}", ended.code());
    ensure!(ended.json()?["ended_by"] == "operator", "{ended:?}");
    traces.wait_until_gone()?;
    let nothing = stop_all()?.json()?;
    ensure!(nothing["stopped"] == 0, "{nothing}");
    before.wait_for_return(&pair.near)
}

/// Two probes on one interface: the end of either leaves the other's fault alone, and a killed
/// one is cleared from under the one that lives.
pub(crate) fn two_at_once() -> Result<()> {
    let pair = Pair::new()?;
    let before = Snapshot::of(&pair.near)?;
    let mut four = Echo::new(&pair.near, pair.far_address(Family::V4))?;
    let mut six = Echo::new(&pair.near, pair.far_address(Family::V6))?;
    let first = inject(&pair, Family::V4, "loss 100%")?;
    let second = inject(&pair, Family::V6, "loss 100%")?;
    end(first)?;
    comes_back(&mut four)?;
    ensure!(six.once(ANSWER)?.is_none(), "the first took the second");
    let third = inject(&pair, Family::V4, "loss 100%")?;
    let traces = Traces::of(&third)?;
    killed(third)?;
    comes_back(&mut four)?;
    let fourth = inject(&pair, Family::V4, "loss 100%")?;
    traces.wait_until_gone()?;
    ensure!(six.once(ANSWER)?.is_none(), "the clearing took the second");
    end(second)?;
    comes_back(&mut six)?;
    ensure!(four.once(ANSWER)?.is_none(), "the second took the fourth");
    end(fourth)?;
    before.wait_for_return(&pair.near)
}

/// A clsact qdisc that was there before is there afterwards, and a filter on it.
pub(crate) fn a_clsact_of_the_users() -> Result<()> {
    let pair = Pair::new()?;
    let tc = |words: &str| {
        pair.near.within(|| {
            let words: Vec<_> = words.split_whitespace().collect();
            run("tc", &words)
        })
    };
    tc(&format!("qdisc add dev {INTERFACE} clsact"))?;
    let before = Snapshot::of(&pair.near)?;
    end(inject(&pair, Family::V4, "loss 100%")?)?;
    before.wait_for_return(&pair.near)?;
    let probe = inject(&pair, Family::V4, "loss 100%")?;
    let traces = Traces::of(&probe)?;
    killed(probe)?;
    cleared(&traces)?;
    before.wait_for_return(&pair.near)
}

fn killed(probe: Probe) -> Result<Ended> {
    probe.end(Signal::SIGKILL)
}

fn stop_all() -> Result<Ended> {
    let ended = Probe::start("stop -o json")?.finish()?;
    ensure!(ended.code() == 0, "probe stop: {ended:?}");
    Ok(ended)
}

/// `probe stop` clears what a killed probe left.
fn cleared(traces: &Traces) -> Result<()> {
    stop_all()?;
    ensure!(traces.pages().is_empty(), "{:?}", traces.pages());
    traces.wait_until_gone()
}

/// Waits for an answer that isn't late.
fn comes_back(echo: &mut Echo) -> Result<()> {
    wait_until("traffic to come back", PATIENCE, || {
        matches!(echo.once(ANSWER), Ok(Some(_)))
    })
}

/// Whether programs go with their process on this kernel.
fn has_tcx() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split('.').map_while(|part| part.parse().ok());
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version >= (6, 6)
}
