//! `probe run`: a game day.

use std::{
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{
    Common, Output, block_on, report_folder::ReportFolder, safeguards::ProtectArgs, say, tell,
    watch,
};
use crate::{
    engine,
    engine::trail::Safeguards,
    kernel::support,
    plan::Share,
    quantity,
    report::{self, occasion::Occasion},
    scenario::Scenario,
    tui,
    verdict::{Slo, Verdict, VerdictKind},
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
    /// Leave verdict.json, junit.xml, report.md and report.html there; made where it isn't there
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Tell how much of this promise's error budget was burnt: a share of calls, as 99.9%
    #[arg(long, value_name = "SHARE", value_parser = quantity::parse_share)]
    pub slo: Option<Share>,
    /// For how long the promise is; 720h are 30 days
    #[arg(long, value_name = "TIME", default_value = "720h", requires = "slo", value_parser = quantity::parse_duration)]
    pub slo_window: Duration,
    #[command(flatten)]
    pub protect: ProtectArgs,
}

/// What a game day leaves behind, beside its exit code.
#[derive(Debug, Default)]
pub struct Leaves {
    /// The scenario's file, as typed.
    file: String,
    /// Where reports go.
    folder: Option<ReportFolder>,
    /// The promise whose error budget is reckoned with.
    slo: Option<Slo>,
}

impl Leaves {
    /// Adds what was burnt of the error budget, where a promise was given.
    fn reckon(&self, verdict: &mut Verdict) {
        let course = &verdict.course;
        let faults_ms = course
            .during
            .map(|(from, _)| course.length_ms.saturating_sub(from));
        let burnt = self
            .slo
            .zip(faults_ms)
            .and_then(|(slo, ms)| slo.burnt(&verdict.since_fault, Duration::from_millis(ms)));
        verdict.metrics.error_budget = burnt;
    }
}

/// Runs the command.
///
/// # Errors
/// Where the scenario is invalid or the host can't.
pub fn run(args: RunArgs, common: &Common) -> Result<ExitCode> {
    let scenario = read(&args.scenario)?;
    let slo = match args.slo {
        None => None,
        Some(share) => Some(Slo::new(share, args.slo_window).context(
            "--slo: it leaves no room for errors\nhint: promise less than 100%, over some time",
        )?),
    };
    let leaves = Leaves {
        file: args.scenario.display().to_string(),
        folder: args.report.map(ReportFolder::prepare).transpose()?,
        slo,
    };
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

/// The name of this host, as its reports tell it.
fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname");
    name.map_or_else(|_| "an unknown host".to_owned(), |it| it.trim().to_owned())
}

/// Reads a scenario's file.
///
/// # Errors
/// Where it can't be read or isn't valid, with the line.
pub fn read(file: &Path) -> Result<Scenario> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).with_context(|| {
        format!("scenario \"{name}\": reading it\nhint: name a file, as in `probe run FILE.toml`")
    })?;
    Ok(Scenario::parse(&text, &name)?)
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
    };
    let mut outcome = block_on(engine::run::run(
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
    leaves.reckon(&mut outcome.verdict);
    let verdict = &outcome.verdict;
    say(&match common.output {
        Output::Text => report::text::verdict(verdict, common.color.on_stdout()),
        Output::Json => report::json::verdict(verdict) + "\n",
    })?;
    let Some(folder) = &leaves.folder else {
        return Ok(verdict.kind.exit_code().into());
    };
    let host = host_name();
    let occasion = Occasion {
        scenario: &scenario,
        file: &leaves.file,
        verdict,
        host: &host,
    };
    match folder.write(&occasion) {
        Ok(()) => tell(&format!("reports: {}\n", folder.path().display())),
        // What went wrong with the service is worth more than what went wrong with its report.
        Err(error) if verdict.kind != VerdictKind::Passed => tell(&format!("error: {error:#}\n")),
        Err(error) => return Err(error),
    }
    Ok(verdict.kind.exit_code().into())
}
