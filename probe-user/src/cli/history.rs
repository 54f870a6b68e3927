//! `probe history`: past game days, out of the reports that they left.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

use super::{Common, Output, say, tell};
use crate::report::history::{self, Run};

/// How deep reports are looked for.
const DEPTH: usize = 4;

/// A larger file is no verdict.
const LARGEST: u64 = 64 << 20;

/// Tell pass rate, recovery times and what got worse over past game days
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probe run slow.toml --headless --report out/$(date +%s)
  probe history out/
  probe history out/ --fail-on-regression    exits 1 where the last run was worse than the one before")]
pub struct HistoryArgs {
    /// The folder with the reports; each in a folder of its own below
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Exit 1 where the last run of a scenario was worse than the one before
    #[arg(long)]
    pub fail_on_regression: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the folder can't be read, or has no reports.
pub fn run(args: &HistoryArgs, common: &Common) -> Result<ExitCode> {
    let mut runs = Vec::new();
    collect(&args.folder, DEPTH, &mut runs)?;
    if runs.is_empty() {
        bail!(
            "history: there is no report in \"{}\"\n\
             hint: `probe run SCENARIO --report {0}/NAME` leaves one",
            args.folder.display()
        );
    }
    let all = history::series(runs);
    say(&match common.output {
        Output::Text => history::text(&all),
        Output::Json => history::json(&all) + "\n",
    })?;
    let regressed = all.iter().any(|it| !it.regressions.is_empty());
    Ok(match regressed && args.fail_on_regression {
        true => ExitCode::from(1),
        false => ExitCode::SUCCESS,
    })
}

/// Reads every verdict.json in a folder and below; one that can't be read is told and passed over.
fn collect(folder: &Path, depth: usize, runs: &mut Vec<(String, Run)>) -> Result<()> {
    let reading = || format!("history: reading \"{}\"", folder.display());
    for entry in fs::read_dir(folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let path = entry.path();
        // Symbolic links aren't followed: they may lead in a circle.
        let kind = entry.file_type().with_context(reading)?;
        if kind.is_dir() && depth > 1 {
            collect(&path, depth - 1, runs)?;
        } else if kind.is_file() && entry.file_name() == "verdict.json" {
            match verdict(&path) {
                Ok(run) => runs.push(run),
                Err(error) => tell(&format!("history: passed over: {error:#}\n")),
            }
        }
    }
    Ok(())
}

fn verdict(file: &Path) -> Result<(String, Run)> {
    let name = file.display().to_string();
    if fs::metadata(file).with_context(|| name.clone())?.len() > LARGEST {
        bail!("{name}: it is too large for a verdict");
    }
    let text = fs::read_to_string(file).with_context(|| name.clone())?;
    let document: serde_json::Value = serde_json::from_str(&text).with_context(|| name.clone())?;
    history::read(&document, &name).with_context(|| format!("{name}: it is no probe.verdict/1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report;

    #[test]
    fn reports_are_found_below_and_what_is_none_is_passed_over() {
        let name = format!("probe-history-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        let text = report::json::verdict(&report::tests::failed());
        for (place, text) in [("a", &*text), ("b/c", &*text), ("d", "{"), ("e", "{}")] {
            fs::create_dir_all(folder.join(place)).unwrap();
            fs::write(folder.join(place).join("verdict.json"), text).unwrap();
        }
        let mut runs = Vec::new();
        collect(&folder, DEPTH, &mut runs).unwrap();
        assert_eq!(runs.len(), 2);
        fs::remove_dir_all(&folder).unwrap();
        let error = collect(&folder, DEPTH, &mut runs).unwrap_err();
        assert!(error.to_string().starts_with("history: reading \""));
    }
}
