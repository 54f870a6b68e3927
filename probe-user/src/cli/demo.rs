//! `probe demo`: a game day on this machine, in network namespaces of its own.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use anyhow::Result;

use super::{Common, Output, leaves::ReportArgs, safeguards::ProtectArgs, watch};
use crate::engine::demo::{Lab, scenario};

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
    /// Decide as a run with this number did; default: a random one, which is told
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub report: ReportArgs,
}

/// Runs the command.
///
/// # Errors
/// Where the host can't.
pub fn run(args: DemoArgs, common: &Common) -> Result<ExitCode> {
    let (scenario, text) = scenario()?;
    let headless = args.headless || common.output == Output::Json || !io::stdout().is_terminal();
    let look = if headless {
        None
    } else {
        Some(watch::look(common)?)
    };
    let seed = super::run::seed(args.seed)?;
    let safeguards = ProtectArgs::default().safeguards(common);
    // Nobody's file: the demo's scenario is in the program.
    let leaves = args.report.leaves(String::new(), text)?;
    let lab = Lab::start(&args.without)?;
    let played = super::run::play(scenario, seed, look, safeguards, &leaves, common);
    lab.stop()?;
    played
}
