//! `probe schema`: the JSON Schemas of what probe writes, and of the scenarios that it reads.

use std::process::ExitCode;

use anyhow::Result;

use super::say;
use crate::report::schema;

/// Print the JSON Schema of a document that probe writes, or of scenarios
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probe schema                     which there are
  probe schema observe             of what `probe observe -o json` writes
  probe schema probe.call/1        of a line of `probe observe --events`
  probe schema scenario            of game days, for editors to complete them")]
pub struct SchemaArgs {
    /// Which document: its kind, as \"observe\", or what its \"schema\" says
    #[arg(value_name = "KIND", value_parser = schema::find)]
    kind: Option<&'static str>,
}

/// Runs the command.
///
/// # Errors
/// Where stdout can't be written to.
pub fn run(args: &SchemaArgs) -> Result<ExitCode> {
    let list = || {
        let kinds = schema::ALL.iter();
        let lines = kinds.map(|it| format!("{:<14}{}\n", it.kind, it.id));
        lines.collect::<String>()
    };
    say(&args.kind.map_or_else(list, str::to_owned))?;
    Ok(ExitCode::SUCCESS)
}
