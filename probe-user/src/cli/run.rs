//! `probe run`: a game day.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};

use super::Common;

/// Run a game day; the exit code is its verdict
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probe run payments-slow.toml
  probe run payments-slow.toml --headless -o json --seed 7

Exit codes: 0 passed; 1 an expectation was not met; 2 it can't be done; 3 aborted; 4 a fault
touched nothing; 5 not enough evidence.")]
pub struct RunArgs {
    /// The game day's file
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Without the dashboard; so, too, where stdout is no terminal
    #[arg(long)]
    pub headless: bool,
    /// Decide as a run with this number did; default: a random one, which is told
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// Where the scenario is invalid or the host can't.
pub fn run(_args: RunArgs, _common: &Common) -> Result<ExitCode> {
    bail!("run: not supported yet\nhint: `probe check` and `probe inject` are")
}
