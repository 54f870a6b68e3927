//! The command line: reads what was typed, hands it to who does it, and tells how it ended.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

mod audit;
mod check;
mod completions;
mod demo;
mod doctor;
mod failure;
mod fingerprint;
mod guardian;
mod history;
mod import;
mod inject;
mod journal_place;
mod leaves;
mod logging;
mod man;
mod observe;
mod picture;
mod replay;
mod report;
mod report_folder;
mod run;
mod safeguards;
mod save;
mod schema;
mod status;
mod stop;
mod style;
mod target;
mod watch;

pub use style::{Color, say, tell};

/// Injects faults into the traffic of this host and tells which resilience patterns answered.
#[derive(Debug, Parser)]
#[command(name = "probe", version, max_term_width = 100, after_help = AFTER_HELP)]
#[command(disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  probe doctor                                           can this host do it?
  probe observe --netns shop --for 10s                   who calls whom, how fast, how well
  probe inject delay 200ms --to 10.0.0.7:80 --for 30s    one fault, now; it ends by itself
  probe run payments-slow.toml                           a game day; the exit code is the verdict
  probe stop                                             end every fault on this host

Exit codes:
  0  passed, or the fault did what it was told
  1  an expectation was not met
  2  usage error, invalid scenario, or this host can't (see `probe doctor`)
  3  aborted: a guard tripped or a person stopped it; all was undone
  4  ineffective: a fault was armed and touched no packet
  5  inconclusive: not enough evidence, or evidence was lost";

/// What every command knows.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Of every command")]
pub struct Common {
    /// How results are told on stdout; with json, stdout carries nothing else
    #[arg(
        short,
        long,
        value_enum,
        global = true,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub output: Output,
    /// When to use colour; auto is on a terminal, unless NO_COLOR is set
    #[arg(
        long,
        value_enum,
        global = true,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub color: Color,
    /// Log to stderr, also what the kernel programs log; -vv for more, -vvv for all
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Where to write down what is armed and how it ended; default: PROBE_AUDIT, or
    /// /var/log/probe/audit.jsonl
    #[arg(long, global = true, value_name = "FILE")]
    pub audit: Option<PathBuf>,
}

/// How results are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Doctor(doctor::DoctorArgs),
    Observe(observe::ObserveArgs),
    Watch(watch::WatchArgs),
    Inject(Box<inject::InjectArgs>),
    Fingerprint(Box<fingerprint::FingerprintArgs>),
    Check(check::CheckArgs),
    Run(run::RunArgs),
    History(history::HistoryArgs),
    Report(report::ReportArgs),
    Replay(replay::ReplayArgs),
    Stop(stop::StopArgs),
    Status(status::StatusArgs),
    Demo(demo::DemoArgs),
    Audit(audit::AuditArgs),
    Import(import::ImportArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    #[command(hide = true)]
    Guardian(guardian::GuardianArgs),
}

/// Does what the process was started for.
pub fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    let color = style::asked_for(&words);
    let cli = match parse(words, color) {
        Ok(cli) => cli,
        Err(error) => return failure::of_usage(&error, color),
    };
    logging::start(&cli.common);
    run(cli.command, &cli.common).unwrap_or_else(|error| failure::of_work(&error, color))
}

/// Runs what waits for signals, time and the kernel.
///
/// # Errors
/// Its own.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("probe-worker")
        .enable_all()
        .build()?;
    let result = runtime.block_on(work);
    // Threads that still wait for a key would hold the process up.
    runtime.shutdown_background();
    result
}

fn parse(words: Vec<OsString>, color: Color) -> Result<Cli, clap::Error> {
    let matches = Cli::command()
        .color(color.into())
        .try_get_matches_from(words)?;
    Cli::from_arg_matches(&matches)
}

fn run(command: Option<Command>, common: &Common) -> anyhow::Result<ExitCode> {
    match command {
        None => watch::run(watch::WatchArgs::default(), common),
        Some(Command::Doctor(args)) => doctor::run(args, common),
        Some(Command::Observe(args)) => observe::run(args, common),
        Some(Command::Watch(args)) => watch::run(args, common),
        Some(Command::Inject(args)) => inject::run(*args, common),
        Some(Command::Fingerprint(args)) => fingerprint::run(*args, common),
        Some(Command::Check(args)) => check::run(args, common),
        Some(Command::Run(args)) => run::run(args, common),
        Some(Command::History(args)) => history::run(&args, common),
        Some(Command::Report(args)) => report::run(&args, common),
        Some(Command::Replay(args)) => replay::run(&args, common),
        Some(Command::Stop(args)) => stop::run(args, common),
        Some(Command::Status(args)) => status::run(args, common),
        Some(Command::Demo(args)) => demo::run(args, common),
        Some(Command::Audit(args)) => audit::run(args, common),
        Some(Command::Import(args)) => import::run(&args),
        Some(Command::Schema(args)) => schema::run(&args),
        Some(Command::Completions(args)) => completions::run(&args, Cli::command()),
        Some(Command::Man(args)) => man::run(&args, Cli::command()),
        Some(Command::Guardian(args)) => guardian::run(&args),
    }
}

#[cfg(test)]
mod tests;
