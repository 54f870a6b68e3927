//! `cargo xtask vm run`: a game day in a virtual machine, with a kernel and a lab of its own. What
//! CI needs that must not fault the machine it runs on, or may not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::{Booted, Given, boot_with, prepare};
use crate::process::{self, note};
use crate::setup::DEFAULT_KERNEL;
use crate::workspace;

/// The word by which the program in the machine knows what it is to do.
const GAME_DAY: &str = "play-a-game-day";

/// What a run leaves in its folder.
const REPORTS: [&str; 5] = [
    "verdict.json",
    "junit.xml",
    "report.md",
    "report.html",
    "journal.jsonl",
];

/// What it takes.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The game day's file; it takes place in the lab, whose namespaces begin with "lab-"
    scenario: PathBuf,
    /// Where the reports go
    #[arg(long, value_name = "DIR", default_value = "target/game-day")]
    report: PathBuf,
    /// Decide as a run with this number did
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Arguments of `lab up`, as one word; default: those that the scenario's head says it passes with
    #[arg(long, value_name = "ARGUMENTS", allow_hyphen_values = true)]
    lab: Option<String>,
    /// Take a pattern out of the lab's shop; repeatable
    #[arg(long, value_name = "PATTERN")]
    without: Vec<String>,
    /// Which kernel
    #[arg(long, default_value = DEFAULT_KERNEL)]
    kernel: String,
    /// Seconds after which the machine is given up
    #[arg(long, default_value_t = 600)]
    timeout: u64,
}

/// Boots a machine, runs the scenario in it, brings the reports out and exits as probe did.
///
/// # Errors
/// If the machine can't be built or started, or doesn't come to its end.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let scenario = fs::read(&arguments.scenario)
        .with_context(|| format!("read {}", arguments.scenario.display()))?;
    let lab = match &arguments.lab {
        Some(lab) => lab.clone(),
        None => said_in(&String::from_utf8_lossy(&scenario)),
    };
    // Emulated, it is some thirty times slower: the lab's usual rate would be an overload.
    let rate = if lab.contains("--rate") {
        ""
    } else {
        " --rate 8"
    };
    let without: Vec<_> = arguments
        .without
        .iter()
        .map(|it| format!(" --without {it}"))
        .collect();
    prepare(&arguments.kernel)?;
    let sent = workspace::target_dir().join("vm/reports.base64");
    let _ = fs::remove_file(&sent);
    // What an earlier run left must not be taken for this one's, whatever becomes of this.
    for name in REPORTS {
        let _ = fs::remove_file(arguments.report.join(name));
    }
    let given = [
        Given::new("game-day/scenario.toml", scenario),
        Given::new("game-day/lab", format!("{lab}{rate}{}", without.concat())),
        Given::new("game-day/run", format!("--seed {}", arguments.seed)),
    ];
    let booted = Booted {
        kernel: &arguments.kernel,
        patience: Duration::from_secs(arguments.timeout),
        only: GAME_DAY,
        given: &given,
        second_line: Some(&sent),
    };
    let run = boot_with(&booted)?;
    let code = run.rows.iter().find_map(|row| row.strip_prefix("exit "));
    let Some(code) = code.and_then(|it| it.trim().parse::<u8>().ok()) else {
        bail!(
            "run {}: it did not come to its end",
            arguments.scenario.display()
        );
    };
    let whither = match unpack(&sent, &arguments.report)? {
        true => format!("reports are in {}", arguments.report.display()),
        false => "there are no reports: probe did not come to run it".to_owned(),
    };
    note(&format!("exit code {code}; {whither}"));
    Ok(ExitCode::from(code))
}

/// The lab's arguments that a scenario's head names: "# passes: lab up --rate 100".
fn said_in(scenario: &str) -> String {
    let head = scenario.lines().take_while(|line| line.starts_with('#'));
    let said = head.filter_map(|line| line.strip_prefix("# passes:"));
    let arguments = said.filter_map(|line| line.trim().strip_prefix("lab up"));
    arguments
        .map(|it| it.trim().to_owned())
        .next()
        .unwrap_or_default()
}

/// Unpacks what came by the second serial line; whether anything did.
fn unpack(sent: &Path, folder: &Path) -> Result<bool> {
    if fs::metadata(sent).map_or(0, |it| it.len()) == 0 {
        return Ok(false);
    }
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let mut decode = Command::new("base64");
    decode.args(["--decode", "--ignore-garbage"]).arg(sent);
    let mut decoding = decode
        .stdout(Stdio::piped())
        .spawn()
        .context("start base64")?;
    let text = decoding.stdout.take().context("take what base64 says")?;
    let mut tar = Command::new("tar");
    tar.args(["-x", "-z", "-f", "-", "--no-same-owner", "-C"])
        .arg(folder);
    process::run(tar.stdin(text)).context("unpack the reports")?;
    let decoded = decoding.wait().context("wait for base64")?;
    ensure!(decoded.success(), "decode the reports: base64 {decoded}");
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenarios_head_says_which_lab_it_wants() {
        let text = "# Slow.\n#\n# passes: lab up --rate 100\n# fails:  lab up\nname = \"x\"\n";
        assert_eq!(said_in(text), "--rate 100");
        assert_eq!(said_in("name = \"x\"\n# passes: lab up --rate 1\n"), "");
    }
}
