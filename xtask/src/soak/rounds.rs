//! Tests that say themselves how many rounds they went, with many more of them.

use anyhow::{Result, bail};

use super::Outcome;
use crate::workspace::{self, HOST_CRATES, cargo};
use crate::{process, setup};

/// Ends probe at random moments in every way it can't do anything about.
pub(super) fn kill(times: u64) -> Result<Vec<Outcome>> {
    let tests = "at_any_moment_it_leaves_the_traffic_alone";
    run("kill", tests, "PROBE_KILLS", times)
}

/// Ends faults of probes that run and of such that are frozen.
pub(super) fn stop(times: u64) -> Result<Vec<Outcome>> {
    run("stop", "stop_takes_less_than", "PROBE_STOPS", times)
}

/// Looks at how soon the dashboard shows a verdict.
pub(super) fn verdict(times: u64) -> Result<Vec<Outcome>> {
    run("soon", "a_verdict_is_shown", "PROBE_VERDICTS", times)
}

/// Observes a thousand dependencies, and so many connections to each.
pub(super) fn crowd(times: u64) -> Result<Vec<Outcome>> {
    run(
        "accounts",
        "a_thousand_dependencies",
        "PROBE_CONNECTIONS",
        times,
    )
}

/// Runs every scenario that ships, so many times in a row. What came of each is told also where not
/// every verdict was the one expected; the second says whether it was.
pub(super) fn scenarios(times: u64) -> Result<(Vec<Outcome>, bool)> {
    hear("scenarios", "all_that_ship", "PROBE_GAME_DAYS", times)
}

/// Runs the tests of one file whose names have `filter` in them, and hears them out.
fn run(file: &str, filter: &str, variable: &str, times: u64) -> Result<Vec<Outcome>> {
    match hear(file, filter, variable, times)? {
        (outcomes, true) => Ok(outcomes),
        (_, false) => bail!("soak: {file} failed"),
    }
}

/// The same; whether the tests succeeded is the second.
fn hear(file: &str, filter: &str, variable: &str, times: u64) -> Result<(Vec<Outcome>, bool)> {
    setup::ensure_debian(&setup::TEST_TOOLS)?;
    let programs = workspace::build_programs()?;
    let mut command = cargo();
    command
        .args(["test", "--locked"])
        .args(HOST_CRATES)
        .args(["--test", file, filter])
        .args(["--", "--ignored", "--nocapture", "--test-threads=1"])
        .env("PROBE_BIN", programs.join("probe"))
        .env("LAB_BIN", programs.join("lab"))
        .env(variable, times.to_string());
    let mut outcomes = Vec::new();
    let status = process::stream(&mut command, |line| {
        println!("{line}");
        outcomes.extend(outcome(line));
    })?;
    if outcomes.is_empty() {
        bail!("soak: {file}: {status}");
    }
    Ok((outcomes, status.success()))
}

/// Reads "1000 times killed, traffic harmed for 120ms at most".
fn outcome(line: &str) -> Option<Outcome> {
    let (times, rest) = line.split_once(" times ")?;
    let (what, result) = rest.split_once(", ")?;
    // The test's name may stand before it, where it isn't told on a line of its own.
    let times = times.rsplit(' ').next()?.parse().ok()?;
    Some(Outcome {
        what: what.to_owned(),
        times,
        result: result.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_say_of_their_rounds_is_read() {
        let line = "test killed ... 50 times killed, traffic harmed for 1.5ms at most";
        let outcome = outcome(line).unwrap();
        assert_eq!((outcome.what.as_str(), outcome.times), ("killed", 50));
        assert_eq!(outcome.result, "traffic harmed for 1.5ms at most");
        assert!(super::outcome("test result: ok. 3 passed").is_none());
    }
}
