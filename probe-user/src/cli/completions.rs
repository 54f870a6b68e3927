//! `probe completions`: what a shell needs to complete what is typed.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap_complete::Shell;

use super::say;

/// Print what a shell needs to complete commands and options of probe
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probe completions bash > /etc/bash_completion.d/probe
  probe completions zsh > ~/.zfunc/_probe              with ~/.zfunc in fpath
  probe completions fish > ~/.config/fish/completions/probe.fish")]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Runs the command.
///
/// # Errors
/// Where stdout can't be written to.
pub fn run(args: &CompletionsArgs, mut probe: clap::Command) -> Result<ExitCode> {
    say(&script(args.shell, &mut probe)?)?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell, probe: &mut clap::Command) -> Result<String> {
    let mut script = Vec::new();
    clap_complete::generate(shell, probe, "probe", &mut script);
    String::from_utf8(script).context("making the completions")
}

#[cfg(test)]
mod tests;
