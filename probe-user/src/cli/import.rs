//! `probe import`: a scenario out of another tool's experiment.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::{say, tell};
use crate::import::chaostoolkit;

/// Write a scenario out of another tool's experiment
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  probe import chaostoolkit experiment.json > scenario.toml
  probe check scenario.toml

What a scenario can't hold is told on stderr, each with the reason, and stands at the head of the
scenario. Exit codes: 0 there is a scenario; 2 there is none."
)]
pub struct ImportArgs {
    /// Whose experiment it is
    #[arg(value_enum, value_name = "TOOL")]
    tool: Tool,
    /// The experiment; of Chaos Toolkit, as JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Tools whose experiments can be read.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tool {
    /// Chaos Toolkit
    Chaostoolkit,
}

/// Runs the command.
///
/// # Errors
/// Where the experiment can't be read, or comes to no scenario.
pub fn run(args: &ImportArgs) -> Result<ExitCode> {
    let file = &args.file;
    let read = match args.tool {
        Tool::Chaostoolkit => chaostoolkit::read,
    };
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let imported = read(&text).map_err(|mistake| mistake.in_place(&file.display().to_string()))?;
    for it in &imported.left_out {
        tell(&format!("left out: {}: {}\n", it.place, it.why));
    }
    say(&imported.scenario)?;
    Ok(ExitCode::SUCCESS)
}
