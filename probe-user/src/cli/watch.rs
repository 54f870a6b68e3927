//! `probe watch`: the live dashboard.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};

use super::{Common, target::TargetArgs};

/// Watch it live; faults can be started and stopped from there
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  probe watch
  probe watch --netns shop
  probe watch --scenario payments-slow.toml")]
pub struct WatchArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// The game day whose faults and expectations are shown
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where the host can't.
pub fn run(_args: WatchArgs, _common: &Common) -> Result<ExitCode> {
    bail!("watch: not supported yet\nhint: `probe inject` is")
}
