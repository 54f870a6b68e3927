//! One game day, in a lab of the machine's own: what `cargo xtask vm run` boots a machine for. The
//! verdict is told on the console, and the reports go out by the second serial line.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context, Result, ensure};

/// The word by which it is asked for.
pub const ASKED: &str = "play-a-game-day";

/// What was put into the machine: the scenario, arguments of `lab up`, those of `probe run`.
const SCENARIO: &str = "/game-day/scenario.toml";
const LAB: &str = "/game-day/lab";
const RUN: &str = "/game-day/run";
/// Where reports are written, and by which way they leave.
const REPORTS: &str = "/game-day/report";
const WAY_OUT: &str = "/dev/ttyS1";

/// Plays it to its end, whatever its verdict is.
///
/// # Errors
/// Where there is no lab, or no verdict, or the reports can't leave.
pub fn play() -> Result<()> {
    let mut lab = Command::new("lab")
        .args(["up", "--until-stdin-closes"])
        .args(fs::read_to_string(LAB)?.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the lab")?;
    let mut said = BufReader::new(lab.stdout.take().context("no standard output")?);
    let mut line = String::new();
    said.read_line(&mut line)?;
    ensure!(line.contains("\"ready\""), "the lab did not get ready");
    let played = run();
    drop(lab.stdin.take());
    line.clear();
    said.read_line(&mut line)?;
    lab.wait().context("waiting for the lab's end")?;
    let status = played?;
    let code = status.code().context("a signal ended probe")?;
    send_reports()?;
    println!("row exit {code}");
    Ok(())
}

/// Its words go to the console as they come.
fn run() -> Result<ExitStatus> {
    let mut probe = Command::new("probe");
    probe.args(["run", SCENARIO, "--headless", "--report", REPORTS]);
    probe.args(["--color", "never"]);
    probe.args(fs::read_to_string(RUN)?.split_whitespace());
    probe.status().context("starting probe")
}

/// As text: a terminal's line doesn't leave all bytes as they are.
fn send_reports() -> Result<()> {
    if !fs::exists(REPORTS)? {
        return Ok(());
    }
    let script = format!("tar -c -z -f - -C {REPORTS} . | base64 > {WAY_OUT}");
    let sent = Command::new("sh").args(["-c", &script]).status()?;
    ensure!(sent.success(), "sending the reports: {sent}");
    Ok(())
}
