//! Faults of one process alone, and of connect().

use std::{process::Command, time::Duration};

use anyhow::{Result, ensure};
use tests::{Call, Cgroup, Family, Pair, Puppet, puppet::server};

use crate::faults::end;

/// What this program is told, for it to be a puppet.
pub(crate) const PUPPET: &str = "puppet";

/// How long it waits for an answer, in an emulated machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn puppet(pair: &Pair, cgroup: Option<&Cgroup>) -> Result<Puppet> {
    let mut command = Command::new("/proc/self/exe");
    command.arg(PUPPET);
    Puppet::start(command, &pair.near, cgroup)
}

fn inject(pair: &Pair, fault: &str) -> Result<tests::Probe> {
    tests::Probe::inject(&format!("{fault} --netns {} --for 10m", pair.near.name))
}

/// By process and by cgroup, in either direction: the chosen gets no answers, the other all.
pub(crate) fn only_the_chosen_is_hit() -> Result<()> {
    let pair = Pair::new()?;
    let cgroup = Cgroup::new()?;
    for family in Family::BOTH {
        let to = server::far(&pair, family)?;
        let mut chosen = puppet(&pair, Some(&cgroup))?;
        let mut other = puppet(&pair, None)?;
        let connections = [
            (chosen.tcp(to)?.made()?, other.tcp(to)?.made()?),
            (chosen.udp(to)?.made()?, other.udp(to)?.made()?),
        ];
        let aims = [
            format!("--process {}", chosen.pid()),
            format!("--cgroup {}", cgroup.path),
        ];
        // Each of either kind and way once: the machine is slow.
        let ways = match family {
            Family::V4 => ["egress", "ingress"],
            Family::V6 => ["ingress", "egress"],
        };
        for (aim, way) in aims.iter().zip(ways) {
            let probe = inject(
                &pair,
                &format!("blackhole --to {to} {aim} --direction {way}"),
            )?;
            // TCP goes on asking by itself: what is lost is sent again once the fault is over.
            for (mine, others) in connections {
                ensure!(!chosen.is_answered(mine)?, "{aim}, {way}: it was spared");
                ensure!(
                    other.is_answered(others)?,
                    "{aim}, {way}: the other was hit"
                );
            }
            let ended = end(probe)?;
            let (seen, dropped) = (ended.counter("seen")?, ended.counter("dropped")?);
            ensure!(seen == dropped && dropped >= 2, "{aim}, {way}: {ended:?}");
        }
    }
    Ok(())
}

/// TCP, and UDP that is connected.
pub(crate) fn connect_fails_with_the_error_asked_for() -> Result<()> {
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let to = server::far(&pair, family)?;
        let mut puppet = puppet(&pair, None)?;
        let probe = inject(&pair, &format!("refuse --errno EHOSTUNREACH --to {to}"))?;
        for call in [puppet.tcp(to)?, puppet.udp(to)?] {
            ensure!(call == Call::Failed(libc::EHOSTUNREACH), "{call:?}");
        }
        let ended = end(probe)?;
        ensure!(ended.counter("refused")? == 2, "{ended:?}");
        puppet.tcp(to)?.made()?;
    }
    Ok(())
}

/// One that was open before counts; one that is closed makes room.
pub(crate) fn so_many_are_open_and_no_more() -> Result<()> {
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let to = server::far(&pair, family)?;
        let mut puppet = puppet(&pair, None)?;
        let first = puppet.tcp(to)?.made()?;
        let probe = inject(&pair, &format!("limit-connections 2 --to {to}"))?;
        puppet.tcp(to)?.made()?;
        let call = puppet.tcp(to)?;
        ensure!(call == Call::Failed(libc::ECONNREFUSED), "{call:?}");
        puppet.close(first)?;
        puppet.tcp(to)?.made()?;
        let ended = end(probe)?;
        ensure!(ended.counter("refused")? == 1, "{ended:?}");
    }
    Ok(())
}
