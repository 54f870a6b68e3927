//! `probe report`: the reports of a game day again, from its journal.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, anyhow};

use super::{Common, Output, journal_place, report_folder, say};
use crate::report::occasion::Occasion;

/// Make a report again from a game day's journal; of one that was killed, as far as it got
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probe report out/journal.jsonl --format html --to report.html
  probe report out --format json | jq .verdict

Needs no root. A run that was killed is told as aborted, with what was seen until then.")]
pub struct ReportArgs {
    /// The journal, or the folder that `probe run --report` left it in
    #[arg(value_name = "JOURNAL")]
    pub journal: PathBuf,
    /// What to make; default: markdown, or json where -o says so
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Where to write it; default: stdout
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// The reports there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The verdict, as `run -o json` prints it
    Json,
    /// For CI servers
    Junit,
    /// For a post-mortem
    Markdown,
    /// With charts, on one page
    Html,
}

impl Format {
    /// The report's name in a folder of them.
    fn name(self) -> &'static str {
        match self {
            Self::Json => "verdict.json",
            Self::Junit => "junit.xml",
            Self::Markdown => "report.md",
            Self::Html => "report.html",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Where the journal can't be read, or the report not be written.
pub fn run(args: &ReportArgs, common: &Common) -> Result<ExitCode> {
    let journal = journal_place::open(&args.journal)?;
    let verdict = journal.verdict().map_err(|mistake| anyhow!("{mistake}"))?;
    let occasion = Occasion {
        scenario: &journal.scenario,
        file: &journal.begin.file,
        verdict: &verdict,
        host: &journal.begin.host,
    };
    let usual = match common.output {
        Output::Text => Format::Markdown,
        Output::Json => Format::Json,
    };
    let format = args.format.unwrap_or(usual);
    let report = report_folder::make(format.name(), &occasion);
    match &args.to {
        Some(file) => report_folder::replace(file, &report)?,
        None => say(&report)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::{
        journal::{Begin, Journal, Writer},
        snapshot::Snapshot,
    };

    #[test]
    fn every_report_is_byte_for_byte_what_the_run_wrote() {
        let verdict = crate::report::tests::failed();
        let begin = Begin {
            file: "payments slow.toml".into(),
            host: "ci-7".into(),
            scenario: crate::report::tests::files::SCENARIO.into(),
            ..Begin::default()
        };
        let text = [
            Writer::begin(&begin),
            Writer::default().moment(&Snapshot::default()),
            Writer::end(9, verdict.clone()),
        ]
        .concat();
        let journal = Journal::read(text.into_bytes(), "j").unwrap();
        let again = journal.verdict().unwrap();
        for format in Format::value_variants() {
            let of = |verdict| {
                crate::report::tests::told(verdict, |it| report_folder::make(format.name(), it))
            };
            assert!(of(&verdict).len() > 100, "{format:?}");
            assert_eq!(of(&again), of(&verdict), "{format:?}");
        }
    }
}
