//! `probe demo`: a game day on this machine, in network namespaces of its own.

use std::process::ExitCode;

use anyhow::{Result, bail};

use super::Common;

/// Run a game day on this machine, in network namespaces of its own
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probe demo
  probe demo --headless
  probe demo --headless --without timeout    ends in a failed verdict, exit 1")]
pub struct DemoArgs {
    /// Without the dashboard
    #[arg(long)]
    pub headless: bool,
    /// Take a resilience pattern out of the demo's shop; repeatable
    #[arg(long, value_name = "PATTERN")]
    pub without: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Where the host can't.
pub fn run(_args: DemoArgs, _common: &Common) -> Result<ExitCode> {
    bail!("demo: not supported yet\nhint: `probe inject` is")
}
