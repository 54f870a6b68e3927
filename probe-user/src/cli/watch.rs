//! `probe watch`: the live dashboard.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Result, bail};

use super::{Common, block_on, target::TargetArgs};
use crate::{engine::watch::watch, kernel::support, tui};

/// Watch it live; every fault on this host can be ended from there
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
/// Where the host can't, or there is no terminal.
pub fn run(args: WatchArgs, common: &Common) -> Result<ExitCode> {
    let look = look(common)?;
    if let Some(file) = args.scenario {
        let scenario = super::run::read(&file)?;
        return super::run::play(scenario, super::run::seed(None)?, Some(look), common);
    }
    support::require_privileges("watch")?;
    block_on(watch(args.target.scope()?, look))?;
    Ok(ExitCode::SUCCESS)
}

/// How the dashboard looks.
///
/// # Errors
/// Where there is no terminal for it.
pub fn look(common: &Common) -> Result<tui::Options> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        bail!(
            "dashboard: stdin and stdout are no terminal\nhint: `probe observe` and `probe run --headless` need none"
        );
    }
    Ok(tui::Options {
        color: common.color.on_stdout(),
    })
}
