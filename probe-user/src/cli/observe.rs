//! `probe observe`: who calls whom, how fast, how well.

use std::{process::ExitCode, time::Duration};

use anyhow::Result;

use super::{Common, Output, block_on, say, target::TargetArgs, tell};
use crate::{
    engine::observe::{Observed, observe},
    kernel::support,
    quantity::parse_duration,
    report::observed,
};

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
pub fn run(args: ObserveArgs, common: &Common) -> Result<ExitCode> {
    support::require_privileges("observe")?;
    let scope = args.target.scope()?;
    let events = args.events;
    let observed = block_on(observe(scope, args.duration, |call, model| {
        if events {
            // A reader that has gone is no reason to stop observing.
            let _ = say(&(observed::call(call, model) + "\n"));
        }
    }))?;
    let window_ms = observed.window.as_millis() as u64;
    let Observed {
        model, accounts, ..
    } = &observed;
    match common.output {
        _ if events => tell(&observed::text(model, window_ms, accounts)),
        Output::Text => say(&observed::text(model, window_ms, accounts))?,
        Output::Json => say(&(observed::json(model, window_ms, accounts) + "\n"))?,
    }
    Ok(ExitCode::SUCCESS)
}
