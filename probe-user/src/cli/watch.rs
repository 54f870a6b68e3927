//! `probe watch`: the live dashboard.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Result, bail};

use super::{Common, block_on, safeguards::ProtectArgs, target::TargetArgs};
use crate::{
    engine::watch::{named_by, watch},
    kernel::support,
    model::Names,
    tui,
};

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
    /// Look at the service of this game day, and call its dependencies by their names there; its
    /// faults are not armed: `probe run` does that
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where the host can't, or there is no terminal.
pub fn run(args: WatchArgs, common: &Common) -> Result<ExitCode> {
    let look = look(common)?;
    support::require_privileges("watch")?;
    let (scope, names) = match args.scenario {
        Some(file) => named_by(&super::run::read(&file)?)?,
        None => (args.target.scope()?, Names::default()),
    };
    let safeguards = ProtectArgs::default().safeguards(common);
    block_on(watch(scope, names, look, safeguards))?;
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
