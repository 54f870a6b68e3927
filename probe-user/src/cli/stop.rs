//! `probe stop`: the kill switch of the whole host.

use std::process::ExitCode;

use anyhow::Result;

use super::{Common, Output, safeguards::ProtectArgs, say, tell};
use crate::{
    engine::trail,
    kernel::{delay_line::prefer_this_thread, host, leftovers, support},
};

/// End every fault on this host now, also those of a probe that hangs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It is thrown in the kernel, so it needs no answer from the probes whose faults it ends. Where no
fault is active it does nothing and succeeds.

Examples:
  sudo probe stop
  sudo probe stop -o json")]
pub struct StopArgs {}

/// Runs the command.
///
/// # Errors
/// Where this process may not.
pub fn run(_args: StopArgs, common: &Common) -> Result<ExitCode> {
    support::require_privileges("stop")?;
    // Also on a machine that a fault has brought to its knees.
    let _ = prefer_this_thread();
    let stopped = host::stop_all()?;
    // Also those whose guardian is gone, and whose probe hangs.
    leftovers::continue_stopped();
    let cleared = leftovers::clear();
    trail::stopped(&ProtectArgs::default().safeguards(common), stopped, cleared);
    match cleared {
        0 => {}
        count => tell(&format!(
            "cleared: what {count} probe(s) that were killed had left behind\n"
        )),
    }
    say(&match (common.output, stopped) {
        (Output::Json, _) => json(stopped),
        (Output::Text, 0) => "nothing was active\n".to_owned(),
        (Output::Text, _) => format!("stopped: the faults of {stopped} process(es)\n"),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn json(stopped: usize) -> String {
    format!("{{\"schema\":\"probe.stop/1\",\"stopped\":{stopped}}}\n")
}
