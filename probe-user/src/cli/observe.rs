//! `probe observe`: who calls whom, how fast, how well.

use std::{process::ExitCode, time::Duration};

use anyhow::{Result, bail};

use super::{Common, target::TargetArgs};
use crate::quantity::parse_duration;

/// Tell who calls whom, how fast, how well
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probe observe --for 10s
  probe observe --netns shop --to 10.0.0.7:80 --for 30s -o json
  probe observe --process checkout --events")]
pub struct ObserveArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// For how long; default: until Ctrl-C
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Tell every call as it ends, one line each
    #[arg(long)]
    pub events: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the host can't.
pub fn run(_args: ObserveArgs, _common: &Common) -> Result<ExitCode> {
    bail!("observe: not supported yet\nhint: `probe inject` is")
}
