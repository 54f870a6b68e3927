//! What a game day leaves behind beside its exit code: reports, and what was burnt of a promise.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};

use super::{journal_place, report_folder::ReportFolder, tell};
use crate::{
    engine::{recorder::Left, tape::Destination},
    journal::Begin,
    plan::Share,
    quantity,
    report::occasion::Occasion,
    scenario::Scenario,
    verdict::{Slo, Verdict},
};

/// What to leave behind.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// Leave the journal, verdict.json, junit.xml, report.md and report.html there; made where it
    /// isn't there
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Tell how much of this promise's error budget was burnt: a share of calls, as 99.9%
    #[arg(long, value_name = "SHARE", value_parser = quantity::parse_share)]
    pub slo: Option<Share>,
    /// For how long the promise is; 720h are 30 days
    #[arg(
        long,
        value_name = "TIME",
        default_value = "720h",
        requires = "slo",
        value_parser = quantity::parse_duration
    )]
    pub slo_window: Duration,
}

impl ReportArgs {
    /// Sees that all of it can be left; `file` is the scenario's, as typed, or empty, and `text`
    /// what is in it.
    ///
    /// # Errors
    /// Where reports can't be written, or the promise is none.
    pub fn leaves(self, file: String, text: String) -> Result<Leaves> {
        let promise = |share| {
            Slo::new(share, self.slo_window).context(
                "--slo: it leaves no room for errors\nhint: promise less than 100%, over some time",
            )
        };
        Ok(Leaves {
            file,
            text,
            slo: self.slo.map(promise).transpose()?,
            folder: self.report.map(ReportFolder::prepare).transpose()?,
        })
    }
}

/// See the file's head.
#[derive(Debug)]
pub struct Leaves {
    file: String,
    text: String,
    folder: Option<ReportFolder>,
    slo: Option<Slo>,
}

impl Leaves {
    /// The promise whose error budget is told.
    pub fn slo(&self) -> Option<Slo> {
        self.slo
    }

    /// Where the journal goes: into the reports' folder, else where journals are kept.
    pub fn journal(&self, scenario: &Scenario, seed: u64) -> Destination {
        let begin = Begin {
            probe: env!("CARGO_PKG_VERSION").to_owned(),
            host: host_name(),
            seed,
            file: self.file.clone(),
            scenario: self.text.clone(),
            slo: self.slo,
            ..Begin::default()
        };
        match &self.folder {
            Some(folder) => Destination {
                folder: folder.path().to_owned(),
                name: journal_place::NAME.to_owned(),
                keep: None,
                begin,
            },
            None => journal_place::kept(&scenario.name, begin),
        }
    }

    /// Tells where the journal was left.
    pub fn tell_journal(left: &Left) {
        let what = match (&left.path, &left.trouble) {
            (Some(path), None) => format!("journal: {}", path.display()),
            (Some(path), Some(why)) => format!("journal: {}, incomplete: {why}", path.display()),
            (None, Some(why)) => format!("warning: there is no journal: {why}"),
            (None, None) => return,
        };
        tell(&(what + "\n"));
    }

    /// Writes the reports, where some were asked for.
    ///
    /// # Errors
    /// Where one can't be written.
    pub fn write(&self, scenario: &Scenario, verdict: &Verdict) -> Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let occasion = Occasion {
            scenario,
            file: &self.file,
            verdict,
            host: &host_name(),
        };
        folder.write(&occasion)?;
        tell(&format!("reports: {}\n", folder.path().display()));
        Ok(())
    }
}

/// The name of this host, as its reports tell it.
fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname");
    name.map_or_else(|_| "an unknown host".to_owned(), |it| it.trim().to_owned())
}
