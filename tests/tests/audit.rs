//! The audit log: what was armed is in it, and how it ended, whoever ended it; what can't be
//! written down isn't armed; what was changed since shows.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use tests::{Ended, Pair, Probe, echo::Echo, programs, turn::Turn};

fn inject(pair: &Pair, log: &Path, lasting: &str) -> Result<Probe> {
    Probe::inject(&format!(
        "blackhole --to 10.88.0.2 --netns {} --for {lasting} --audit {}",
        pair.near.name,
        log.display()
    ))
}

fn entries(log: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(log).context("reading the log")?;
    let entries = text.lines().map(|line| Ok(serde_json::from_str(line)?));
    entries.collect()
}

fn verify(log: &Path) -> Result<Ended> {
    Probe::start(&format!("audit verify {} -o json", log.display()))?.finish()
}

#[test]
#[ignore = "needs root"]
fn what_was_armed_is_written_down_and_how_it_ended() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("audit.jsonl");
    let probe = inject(&pair, &log, "1s")?;
    Echo::new(&pair.near, "10.88.0.2".parse()?)?.once(std::time::Duration::from_millis(50))?;
    let pid = probe.pid();
    probe.finish()?;
    inject(&pair, &log, "60s")?.end(Signal::SIGTERM)?;
    let entries = entries(&log)?;
    let events: Vec<_> = entries.iter().map(|it| it["event"].as_str()).collect();
    let pair_of = [Some("armed"), Some("ended")];
    ensure!(events == [pair_of, pair_of].concat(), "{events:?}");
    let (armed, ended) = (&entries[0], &entries[1]);
    ensure!(
        armed["who"]["pid"] == pid && armed["who"]["uid"] == 0,
        "{armed}"
    );
    ensure!(armed["who"]["command"][1] == "inject", "{armed}");
    ensure!(armed["what"]["fault"] == "blackhole", "{armed}");
    ensure!(armed["what"]["netns"] == pair.near.name.as_str(), "{armed}");
    ensure!(armed["what"]["endpoints"][0] == "10.88.0.2", "{armed}");
    ensure!(ended["injection"] == armed["injection"], "{ended}");
    ensure!(ended["ending"]["by"] == "deadline", "{ended}");
    ensure!(ended["ending"]["counters"]["dropped"] == 1, "{ended}");
    ensure!(entries[3]["ending"]["by"] == "operator", "{}", entries[3]);
    let verified = verify(&log)?;
    ensure!(
        verified.code() == 0 && verified.json()?["entries"] == 4,
        "{verified:?}"
    );
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_killed_probes_end_is_written_down_by_the_next() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("audit.jsonl");
    inject(&pair, &log, "60s")?.end(Signal::SIGKILL)?;
    ensure!(entries(&log)?.len() == 1, "it is there already");
    inject(&pair, &log, "1s")?.finish()?;
    let entries = entries(&log)?;
    ensure!(entries.len() == 4, "{entries:?}");
    ensure!(entries[1]["ending"]["by"] == "death", "{}", entries[1]);
    ensure!(
        entries[1]["injection"] == entries[0]["injection"],
        "{entries:?}"
    );
    ensure!(verify(&log)?.code() == 0, "it is broken");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn what_cannot_be_written_down_is_not_armed() -> Result<()> {
    let pair = Pair::new()?;
    let folder = tempfile::tempdir()?;
    let nowhere = folder.path().join("no/such/folder/audit.jsonl");
    for log in [nowhere.as_path(), Path::new("/dev/full"), folder.path()] {
        let ended = Probe::start(&format!(
            "inject blackhole --to 10.88.0.2 --netns {} --for 60s --audit {}",
            pair.near.name,
            log.display()
        ))?
        .finish()?;
        ensure!(ended.code() == 2, "{ended:?}");
        ensure!(!ended.stderr.contains("armed:"), "{ended:?}");
        ensure!(ended.stderr.contains("audit log"), "{ended:?}");
        ensure!(
            ended.stderr.contains("hint: name another file"),
            "{ended:?}"
        );
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn what_was_changed_since_is_told_with_its_line() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("audit.jsonl");
    // By the variable, this once.
    let mut command = Command::new(programs::probe()?);
    let netns = &pair.near.name;
    let arguments = format!("inject blackhole --to 10.88.0.2 --netns {netns} --for 300ms");
    command.args(arguments.split_whitespace());
    Probe::spawn(command_with(command, &log))?.finish()?;
    let text = fs::read_to_string(&log)?;
    fs::write(&log, text.replacen("blackhole", "delay 1ms", 1))?;
    let verified = verify(&log)?;
    ensure!(verified.code() == 1, "{verified:?}");
    let json = verified.json()?;
    ensure!(json["ok"] == false && json["line"] == 1, "{json}");
    // Cut off, as by a crash; the next one goes on behind it and says so.
    fs::write(&log, &text[..text.len() - 20])?;
    let verified = verify(&log)?;
    ensure!(
        verified.code() == 1 && verified.json()?["line"] == 2,
        "{verified:?}"
    );
    inject(&pair, &log, "300ms")?.finish()?;
    let verified = verify(&log)?;
    ensure!(verified.code() == 0, "{verified:?}");
    ensure!(verified.json()?["cut_off"][0] == 2, "{verified:?}");
    ensure!(entries(&log).is_err(), "the cut-off line is gone");
    Ok(())
}

fn command_with(mut command: Command, log: &Path) -> Command {
    command.env("PROBE_AUDIT", log);
    command
}
