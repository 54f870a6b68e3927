//! `cargo xtask test`: every check there is, stage by stage. A failed stage doesn't stop the ones
//! after it, and one that can't run says why. The last line counts it all.

mod count;
mod root;
mod stages;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use count::Count;
use stages::{Needs, STAGES, Stage};

/// What `cargo xtask test` takes.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// Run only this stage; may be given several times
    #[arg(long, value_name = "STAGE")]
    only: Vec<String>,
    /// Say which stages there are
    #[arg(long)]
    list: bool,
}

/// What it means that a stage can't run here.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Strictness {
    /// It is counted as skipped.
    SkipsAreTold,
    /// It is counted as failed.
    SkipsFail,
}

/// How a stage ended.
enum Outcome {
    /// It ran, with so many tests.
    Ran(Count),
    /// It can't run here, and why.
    Skipped(String),
}

/// Runs the stages; with `CI=true` one that can't run is a failure.
///
/// # Errors
/// If a stage asked for does not exist. Failures are in the exit code.
pub(crate) fn command(arguments: &Arguments) -> Result<ExitCode> {
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    run(
        arguments,
        if in_ci {
            Strictness::SkipsFail
        } else {
            Strictness::SkipsAreTold
        },
    )
}

/// Runs the stages.
///
/// # Errors
/// If a stage asked for does not exist. Failures are in the exit code.
pub(crate) fn run(arguments: &Arguments, strictness: Strictness) -> Result<ExitCode> {
    if arguments.list {
        for stage in &STAGES {
            println!("{:8} {}", stage.name, stage.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut total = Count::default();
    let mut summary = Vec::new();
    let mut needs = Needs::default();
    for stage in chosen(&arguments.only)? {
        println!("\n== {}: {}", stage.name, stage.about);
        let begun = Instant::now();
        let outcome = (stage.run)(&mut needs).unwrap_or_else(|error| {
            println!("error: {error:#}");
            Outcome::Ran(Count::one(false))
        });
        let (count, words) = judge(outcome, strictness);
        let line = describe(stage, &words, begun.elapsed());
        println!("{line}");
        summary.push(line);
        total += count;
    }
    println!("\n{}\n\n{total}", summary.join("\n"));
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn chosen(only: &[String]) -> Result<Vec<&'static Stage>> {
    let by_name: BTreeMap<_, _> = STAGES.iter().map(|stage| (stage.name, stage)).collect();
    if let Some(unknown) = only
        .iter()
        .find(|name| !by_name.contains_key(name.as_str()))
    {
        bail!("find the stage {unknown}\nhint: `cargo xtask test --list` names them");
    }
    let is_chosen = |stage: &&Stage| only.is_empty() || only.iter().any(|name| name == stage.name);
    Ok(STAGES.iter().filter(is_chosen).collect())
}

/// What a stage counts for, and how it is called.
fn judge(outcome: Outcome, strictness: Strictness) -> (Count, String) {
    match outcome {
        Outcome::Ran(count) => {
            let word = if count.failed > 0 { "FAILED" } else { "ok" };
            let words = format!("{word}, {count}");
            (count, words)
        }
        Outcome::Skipped(reason) if strictness == Strictness::SkipsFail => (
            Count::one(false),
            format!("FAILED, could not run: {reason}"),
        ),
        Outcome::Skipped(reason) => (Count::skipped(), format!("skipped: {reason}")),
    }
}

fn describe(stage: &Stage, words: &str, took: Duration) -> String {
    format!("== {} {words} ({:.1} s)", stage.name, took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_fails_only_where_asked() {
        let skip = || Outcome::Skipped("no qemu".to_owned());
        let (count, words) = judge(skip(), Strictness::SkipsAreTold);
        assert_eq!((count.failed, count.skipped), (0, 1));
        assert_eq!(words, "skipped: no qemu");
        let (count, words) = judge(skip(), Strictness::SkipsFail);
        assert_eq!((count.failed, count.skipped), (1, 0));
        assert_eq!(words, "FAILED, could not run: no qemu");
    }

    #[test]
    fn stages_are_chosen_by_name_and_keep_their_order() {
        let names = |only: &[&str]| -> Vec<_> {
            let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
            chosen(&only)
                .unwrap()
                .iter()
                .map(|stage| stage.name)
                .collect()
        };
        assert_eq!(names(&["vm", "tidy"]), ["tidy", "vm"]);
        assert_eq!(names(&[]).len(), STAGES.len());
        let error = chosen(&["teapot".to_owned()]).err().unwrap().to_string();
        assert!(error.starts_with("find the stage teapot"), "{error}");
    }
}
