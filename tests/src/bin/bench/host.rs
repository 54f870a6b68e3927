//! The machine that figures are of, and what else it was doing.

use std::{fs, process::Command};

use anyhow::{Context, Result};
use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};

/// Date, kernel, processor and load, in one line.
pub(crate) fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let date = Command::new("date").arg("+%Y-%m-%d").output();
    let date = date.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    let cpus = read("/proc/cpuinfo");
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor", |(_, model)| model.trim());
    let load = read("/proc/loadavg");
    format!(
        "{}; Linux {}; {model}, {} CPUs; load average {} at the end.",
        date.unwrap_or_default(),
        read("/proc/sys/kernel/osrelease").trim(),
        count(),
        load.split(' ').next().unwrap_or_default(),
    )
}

/// How many processors there are.
pub(crate) fn count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Keeps the calling thread on one processor; the last one where there are fewer.
///
/// # Errors
/// Where the kernel refuses.
pub(crate) fn pin(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu.min(count() - 1))?;
    sched_setaffinity(Pid::from_raw(0), &set).context("pinning a thread")
}
