//! Faults on processes.

use std::{fs, time::Duration};

use anyhow::{Result, ensure};
use tests::{Pair, Probe, wait_until};

use crate::{faults::end, near::puppet};

/// Long enough in an emulated machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// It stands still while the fault holds, and goes on afterwards; another doesn't notice.
pub(crate) fn pause() -> Result<()> {
    let pair = Pair::new()?;
    let (paused, other) = (puppet(&pair, None)?, puppet(&pair, None)?);
    let probe = Probe::inject(&format!(
        "pause --process {} --netns {} --for 10m",
        paused.pid(),
        pair.near.name
    ))?;
    wait_until("it to stand still", PATIENCE, || {
        state(paused.pid()) == Some('T')
    })?;
    ensure!(state(other.pid()) != Some('T'), "the other was stopped");
    let ended = end(probe)?;
    ensure!(ended.counter("paused")? == 1, "{ended:?}");
    wait_until("it to go on", PATIENCE, || state(paused.pid()) != Some('T'))
}

/// It has ended, and the fault with it; another lives.
pub(crate) fn kill() -> Result<()> {
    let pair = Pair::new()?;
    let (killed, other) = (puppet(&pair, None)?, puppet(&pair, None)?);
    let probe = Probe::start(&format!(
        "inject -o json kill --process {} --netns {} --for 10m",
        killed.pid(),
        pair.near.name
    ))?;
    let ended = probe.finish_within(PATIENCE)?;
    ensure!(ended.code() == 0, "{ended:?}");
    ensure!(ended.counter("killed")? == 1, "{ended:?}");
    let lives = |pid| !matches!(state(pid), None | Some('Z'));
    ensure!(!lives(killed.pid()) && lives(other.pid()), "the wrong one");
    Ok(())
}
