//! What probe says where it can't, or did nothing: one clear line and a hint, the right exit
//! code, nothing armed, and never a backtrace.

use std::{fs, os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result, ensure};
use tests::{Ended, Pair, Probe, programs, snapshot::Snapshot, turn::Turn};

/// A valid scenario.
const SCENARIO: &str = include_str!("../../scenarios/payments-slow.toml");

/// Somebody who isn't root: nobody.
const NOBODY: u32 = 65534;

#[test]
#[ignore = "needs root"]
fn a_fault_that_touches_no_packet_is_ineffective() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let netns = &pair.near.name;
    for fault in ["delay 100ms", "loss 10%", "blackhole"] {
        let probe = Probe::inject(&format!(
            "{fault} --to 10.88.0.99 --netns {netns} --for 300ms"
        ))?;
        let ended = probe.finish()?;
        ensure!(ended.code() == 4, "{ended:?}");
        let json = ended.json()?;
        ensure!(json["verdict"] == "ineffective", "{json}");
        ensure!(json["counters"]["seen"] == 0, "{json}");
        ensure!(json["ended_by"] == "deadline", "{json}");
        ensure!(ended.stderr.contains("ineffective: no packet"), "{ended:?}");
        ensure!(ended.stderr.contains("hint:"), "{ended:?}");
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn what_cannot_be_is_refused_in_one_line_with_a_hint() -> Result<()> {
    let pair = Pair::new()?;
    let before = Snapshot::of(&pair.near)?;
    let there = format!("--to 10.88.0.2 --netns {}", pair.near.name);
    for (arguments, told) in [
        (format!("inject delay 100 {there}"), "100 has no unit"),
        (format!("inject loss 30 {there}"), "30 has no unit"),
        (
            format!(
                "inject blackhole --to 0.0.0.0/1 --to 128.0.0.0/1 --netns {}",
                pair.near.name
            ),
            "everything there is",
        ),
        (
            format!("inject blackhole {there} --unprotect 10.88.0.9:80"),
            "not on the list",
        ),
        (
            format!("inject dealy 100ms {there}"),
            "unknown fault \"dealy\"",
        ),
        (
            format!("inject delay 100ms {there} --interface nope"),
            "interface \"nope\"",
        ),
        (format!("inject delay 100ms {there} --fro 10s"), "--fro"),
        (
            format!("inject delay 100ms --netns {}", pair.near.name),
            "no endpoint",
        ),
        (
            "inject delay 100ms --to 10.88.0.2 --netns nope".into(),
            "\"nope\"",
        ),
        (
            format!(
                "inject delay 100ms --to no.such.host.invalid --netns {}",
                pair.near.name
            ),
            "no.such.host.invalid",
        ),
        ("run /nonexistent.toml".into(), "/nonexistent.toml"),
    ] {
        let ended = Probe::start(&arguments)?.finish()?;
        is_refusal(&ended, told).map_err(|error| error.context(arguments))?;
    }
    ensure!(
        before.differences(&Snapshot::of(&pair.near)?).is_empty(),
        "something is left"
    );
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_typo_in_a_scenario_is_told_with_its_line() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("typo.toml");
    let scenario = SCENARIO.replacen("\nfault =", "\nfautl =", 1);
    let before = scenario.split("fautl").next().context("no fault in it")?;
    let line = before.lines().count() + 1;
    fs::write(&file, scenario)?;
    for command in ["run", "check"] {
        let ended = Probe::start(&format!("{command} {}", file.display()))?.finish()?;
        is_refusal(&ended, "fautl")?;
        ensure!(
            ended.stderr.contains(&format!("typo.toml:{line}:")),
            "{ended:?}"
        );
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn who_is_not_root_is_told_so() -> Result<()> {
    // Nobody else may look into the folder where it was built.
    let folder = tempfile::tempdir_in("/tmp")?;
    let program = folder.path().join("probe");
    fs::copy(programs::probe()?, &program)?;
    std::os::unix::fs::chown(folder.path(), Some(NOBODY), None)?;
    for arguments in [
        "inject delay 100ms --to 127.0.0.1",
        "observe --for 1s",
        "stop",
    ] {
        let mut command = Command::new(&program);
        command.args(arguments.split_whitespace());
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        let ended = Probe::spawn(command)?.finish()?;
        is_refusal(&ended, "root").map_err(|error| error.context(arguments))?;
    }
    Ok(())
}

/// One line that says what, one that says what to do, and no more than that.
fn is_refusal(ended: &Ended, told: &str) -> Result<()> {
    let said = &ended.stderr;
    ensure!(ended.code() == 2, "exit code {}: {said}", ended.code());
    ensure!(
        ended.stdout.is_empty(),
        "on standard output: {}",
        ended.stdout
    );
    let lines: Vec<_> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    ensure!(
        lines.first().is_some_and(|line| line.starts_with("error:")),
        "{said}"
    );
    ensure!(lines[0].contains(told), "not about {told:?}: {said}");
    ensure!(
        lines.iter().any(|line| line.starts_with("hint:")),
        "no hint: {said}"
    );
    ensure!(lines.len() <= 3, "more than one line and its hint: {said}");
    for noise in ["backtrace", "panicked", ".rs:"] {
        ensure!(!said.contains(noise), "{noise} in: {said}");
    }
    Ok(())
}
