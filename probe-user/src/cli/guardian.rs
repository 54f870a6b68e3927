//! `probe guardian`: what continues stopped processes when probe can't. Probe starts it; nobody
//! else does.

use std::process::ExitCode;

use anyhow::Result;

use crate::kernel::processes::{MapIds, run_guardian};

/// Started by probe itself
#[derive(Debug, clap::Args)]
pub struct GuardianArgs {
    kill: u32,
    lease: u32,
    rules: u32,
}

/// Runs the command.
///
/// # Errors
/// Where probe has ended already.
pub fn run(args: &GuardianArgs) -> Result<ExitCode> {
    let GuardianArgs { kill, lease, rules } = *args;
    run_guardian(MapIds { kill, lease, rules })?;
    Ok(ExitCode::SUCCESS)
}
