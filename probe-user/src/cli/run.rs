//! `probe run`: a game day.

use std::{
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};

use super::{
    Common, Output, block_on,
    leaves::{Leaves, ReportArgs},
    safeguards::ProtectArgs,
    say, tell, watch,
};
use crate::{
    engine, engine::trail::Safeguards, kernel::support, report, scenario::Scenario, tui,
    verdict::VerdictKind,
};

/// Run a game day; the exit code is its verdict
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probe run payments-slow.toml
  probe run payments-slow.toml --headless -o json --seed 7
  probe run payments-slow.toml --headless --report out/ --slo 99.9%    for CI: see `probe history`

Exit codes: 0 passed; 1 an expectation was not met; 2 it can't be done; 3 aborted; 4 a fault
touched nothing; 5 not enough evidence.")]
pub struct RunArgs {
    /// The game day's file
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Without the dashboard; so, too, where stdout is no terminal
    #[arg(long)]
    pub headless: bool,
    /// Decide as a run with this number did; default: a random one, which is told
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub report: ReportArgs,
    #[command(flatten)]
    pub protect: ProtectArgs,
}

/// Runs the command.
///
/// # Errors
/// Where the scenario is invalid or the host can't.
pub fn run(args: RunArgs, common: &Common) -> Result<ExitCode> {
    let (scenario, text) = read_with_text(&args.scenario)?;
    let leaves = args
        .report
        .leaves(args.scenario.display().to_string(), text)?;
    let headless = args.headless || common.output == Output::Json || !io::stdout().is_terminal();
    let look = if headless {
        None
    } else {
        Some(watch::look(common)?)
    };
    let safeguards = args.protect.safeguards(common);
    play(
        scenario,
        seed(args.seed)?,
        look,
        safeguards,
        &leaves,
        common,
    )
}

/// Reads a scenario's file.
///
/// # Errors
/// Where it can't be read or isn't valid, with the line.
pub fn read(file: &Path) -> Result<Scenario> {
    read_with_text(file).map(|it| it.0)
}

fn read_with_text(file: &Path) -> Result<(Scenario, String)> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).with_context(|| {
        format!("scenario \"{name}\": reading it\nhint: name a file, as in `probe run FILE.toml`")
    })?;
    Ok((Scenario::parse(&text, &name)?, text))
}

/// The seed that was given, or one of the host's choosing.
///
/// # Errors
/// Where the host has no random numbers to give.
pub fn seed(given: Option<u64>) -> Result<u64> {
    given.map_or_else(super::inject::random_seed, Ok)
}

/// Runs a scenario and tells its verdict.
///
/// # Errors
/// Where the host can't.
pub fn play(
    scenario: Scenario,
    seed: u64,
    look: Option<tui::Options>,
    safeguards: Safeguards,
    leaves: &Leaves,
    common: &Common,
) -> Result<ExitCode> {
    support::require_privileges("run")?;
    let headless = look.is_none();
    if headless {
        tell(&format!("game day: {} (seed {seed})\n", scenario.name));
    }
    let options = engine::run::Options {
        seed,
        dashboard: look,
        safeguards,
        journal: leaves.journal(&scenario, seed),
        slo: leaves.slo(),
    };
    let outcome = block_on(engine::run::run(
        scenario.clone(),
        options,
        |at_ms, kind, text| {
            if headless {
                tell(&format!(
                    "{:>7.1} s  {:<11}  {text}\n",
                    at_ms as f64 / 1_000.0,
                    kind.name()
                ));
            }
        },
    ))?;
    if let Some(file) = std::env::var_os("PROBE_PICTURE") {
        super::picture::save(&outcome.last, Path::new(&file))?;
    }
    let verdict = &outcome.verdict;
    let written = leaves.write(&scenario, verdict);
    Leaves::tell_journal(&outcome.journal);
    say(&match common.output {
        Output::Text => report::text::verdict(verdict, common.color.on_stdout()),
        Output::Json => report::json::verdict(verdict) + "\n",
    })?;
    match written {
        // What went wrong with the service is worth more than what went wrong with its report.
        Err(error) if verdict.kind != VerdictKind::Passed => tell(&format!("error: {error:#}\n")),
        other => other?,
    }
    Ok(verdict.kind.exit_code().into())
}
