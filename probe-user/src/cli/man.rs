//! `probe man`: the help, as manual pages.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap_mangen::Man;

use super::say;
use crate::mistake::Mistake;

/// Print a manual page of probe, or of one of its commands
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probe man | man -l -             read it
  probe man inject | man -l -      the page of `probe inject`
  probe man > /usr/local/share/man/man1/probe.1")]
pub struct ManArgs {
    /// Which command; none is probe itself
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Where there is no such command, or stdout can't be written to.
pub fn run(args: &ManArgs, probe: clap::Command) -> Result<ExitCode> {
    say(&page(probe, &args.command)?)?;
    Ok(ExitCode::SUCCESS)
}

fn page(mut probe: clap::Command, words: &[String]) -> Result<String> {
    // Options of every command reach the others only by this.
    probe.build();
    let mut command = &probe;
    for word in words {
        command = match command.find_subcommand(word) {
            Some(found) => found,
            None => return Err(unknown(command, word).into()),
        };
    }
    let name = std::iter::once("probe").chain(words.iter().map(String::as_str));
    let title = name.collect::<Vec<_>>().join("-");
    let mut page = Vec::new();
    // `build` has named it "probe inject" where it tells how it is called.
    let command = command.clone().display_name(title.clone());
    Man::new(command).title(title).render(&mut page)?;
    String::from_utf8(page).context("making the page")
}

fn unknown(command: &clap::Command, word: &str) -> Mistake {
    let known: Vec<_> = command
        .get_subcommands()
        .filter(|it| !it.is_hide_set())
        .map(clap::Command::get_name)
        .collect();
    let mistake = Mistake::new(format!("there is no command \"{word}\" to tell about"));
    match known.is_empty() {
        true => mistake,
        false => mistake.hint(format!("there are {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests;
