//! `cargo xtask soak`: the trials that take too long for every day, by hand; what came of them is
//! kept in docs/soak.md.

mod fuzz;
mod notes;
mod rounds;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::process::note;

pub(crate) use fuzz::sample as fuzz_sample;

/// What `cargo xtask soak` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which trials; all where none is named
    trials: Vec<Trial>,
    /// How often instead of as often as it takes: rounds, or executions
    #[arg(long, value_name = "N")]
    times: Option<u64>,
    /// Keep what came of them in docs/soak.md
    #[arg(long)]
    write: bool,
}

/// A trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Trial {
    /// probe killed, stopped and out of memory, 1,000 times each
    Kill,
    /// `probe stop`, 50 times for each of four faults
    Stop,
    /// A verdict in the dashboard, 50 times
    Verdict,
    /// A thousand dependencies and 100 connections to each, observed
    Crowd,
    /// Each parser on hostile input, 10⁸ executions
    Fuzz,
    /// Each scenario that ships, with its pattern and without, five times in a row
    Scenarios,
}

/// What came of a trial, or a part of it.
struct Outcome {
    /// Which one.
    what: String,
    /// How often.
    times: u64,
    /// In words.
    result: String,
}

/// Runs trials to their end.
///
/// # Errors
/// At the first that fails; those before it are kept.
pub(crate) fn command(arguments: &Arguments) -> Result<ExitCode> {
    let all = Trial::value_variants().to_vec();
    let trials = match arguments.trials.as_slice() {
        [] => all,
        some => some.to_vec(),
    };
    for trial in trials {
        let tell = |outcomes: &[Outcome]| tell(outcomes, arguments.write);
        match trial {
            Trial::Kill => tell(&rounds::kill(arguments.times.unwrap_or(1_000))?)?,
            Trial::Stop => tell(&rounds::stop(arguments.times.unwrap_or(50))?)?,
            Trial::Verdict => tell(&rounds::verdict(arguments.times.unwrap_or(50))?)?,
            Trial::Crowd => tell(&rounds::crowd(arguments.times.unwrap_or(100))?)?,
            Trial::Scenarios => {
                let times = arguments.times.unwrap_or(5);
                let (outcomes, all_well) = rounds::scenarios(times)?;
                tell(&outcomes)?;
                if !all_well {
                    bail!("soak: not every verdict was the one expected");
                }
            }
            Trial::Fuzz => fuzz::all(arguments.times.unwrap_or(100_000_000), |it| tell(&[it]))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(outcomes: &[Outcome], write: bool) -> Result<()> {
    for outcome in outcomes {
        note(&format!(
            "{}, {} times: {}",
            outcome.what, outcome.times, outcome.result
        ));
    }
    if write {
        notes::keep(outcomes)?;
    }
    Ok(())
}
