//! `probe observe`: who calls whom, how fast, how well.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::{Common, Output, block_on, save, say, style::terminal_width, target::TargetArgs, tell};
use crate::{
    engine::{
        metrics::{Server, parse_address},
        observe::{Observed, Told, Wanted, names_of_hosts, observe},
        watch::named_by,
    },
    kernel::support,
    model::Model,
    quantity::{parse_duration, words},
    report::{map, observed},
    scenario::Scenario,
};

/// Tell who calls whom, how fast, how well
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a target, everything on this host is looked at, in every network namespace. Below each
service stand the ports that it serves, and what it calls; `gave up` are calls whose caller left
before the answer came.

Examples:
  probe observe --for 10s                                what there is on this host
  probe observe --netns shop --to 10.0.0.7:80 --for 30s -o json
  probe observe --process checkout --events              every call, one line each
  probe observe --for 30s --map dot | dot -Tsvg > map.svg
  probe observe --process checkout --for 1m --save checkout.toml
                                                         a scenario to begin with
  probe observe --scenario checkout.toml --for 1m        what does it not declare?
  probe observe --metrics :9464                          for Prometheus, until Ctrl-C

Exit codes: 0 observed; 1 the scenario of --scenario expects fewer undeclared dependencies; 2 it
can't be done, or --save could not be written.")]
pub struct ObserveArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// For how long; default: until Ctrl-C
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Tell every call as it ends, one line each; the table then goes to stderr
    #[arg(long)]
    pub events: bool,
    /// Tell a map of services and dependencies instead of the table
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub map: Option<MapFormat>,
    /// Write a scenario with the service and its dependencies declared
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Let --save replace a file that is there
    #[arg(long, requires = "save")]
    pub force: bool,
    /// Serve metrics for Prometheus while it runs: IP:PORT, or :PORT for this host alone
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub metrics: Option<SocketAddr>,
    /// Write what resilience patterns are told by, JSON Lines that tests can replay
    #[arg(long, value_name = "FILE")]
    pub recording: Option<PathBuf>,
    /// Look at the service of this scenario, by its names, and tell what it doesn't declare
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["to", "process", "cgroup", "netns"]
    )]
    pub scenario: Option<PathBuf>,
}

/// How a map is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MapFormat {
    /// For graphviz
    Dot,
    /// For Mermaid
    Mermaid,
    /// For a terminal
    Text,
}

impl From<MapFormat> for map::Format {
    fn from(format: MapFormat) -> Self {
        match format {
            MapFormat::Dot => Self::Dot,
            MapFormat::Mermaid => Self::Mermaid,
            MapFormat::Text => Self::Text,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Where the host can't.
pub fn run(args: ObserveArgs, common: &Common) -> Result<ExitCode> {
    if args.map.is_some() && common.output == Output::Json {
        bail!("observe: --map is no JSON\nhint: leave out either --map or -o json");
    }
    let scenario = args.scenario.as_deref().map(super::run::read).transpose()?;
    if let Some(file) = &args.save {
        save::refuse(file, args.force)?;
    }
    support::require_privileges("observe")?;
    let wanted = wanted(&args, scenario.as_ref())?;
    let mut progress = Progress::new(args.events, args.duration);
    let events = args.events;
    let mut recording = args.recording.as_deref().map(create).transpose()?;
    let observed = block_on(observe(wanted, |told| match told {
        Told::Begun(server) => begin(server, &mut progress),
        Told::Call(call, model) if events => {
            // A reader that has gone is no reason to stop observing.
            let _ = say(&(observed::call(call, model) + "\n"));
        }
        Told::Call(..) => {}
        Told::Pattern(text) => progress.note(text),
        Told::Record(line) => {
            if let Some(file) = &mut recording {
                // What can't be written is told at the end, when all of it has to be.
                let _ = writeln!(file, "{line}");
            }
        }
        Told::Going(model, time) => progress.show(model, time),
    }))?;
    progress.clear();
    if let Some(file) = &mut recording {
        file.flush().context("writing the recording")?;
    }
    report(&observed, &args, common)?;
    if let Some(file) = &args.save {
        save::write(&observed, file, args.force)?;
    }
    Ok(ExitCode::from(u8::from(is_broken(
        &observed,
        scenario.as_ref(),
    ))))
}

fn wanted(args: &ObserveArgs, scenario: Option<&Scenario>) -> Result<Wanted> {
    let (scope, names) = match scenario {
        Some(scenario) => named_by(scenario)?,
        None => (
            args.target.scope()?,
            names_of_hosts(args.target.netns.as_ref()),
        ),
    };
    let target = &args.target;
    Ok(Wanted {
        scope,
        names,
        at_most: args.duration,
        metrics: args.metrics,
        with_silent: scenario.is_none() && target.to.is_empty(),
        has_scenario: scenario.is_some(),
        with_record: args.recording.is_some(),
    })
}

fn create(file: &Path) -> Result<BufWriter<File>> {
    let created = File::create(file);
    created.map(BufWriter::new).with_context(|| {
        format!(
            "--recording: creating {}\nhint: name a file in a folder that is there",
            file.display()
        )
    })
}

/// Whether more is undeclared than the scenario puts up with.
fn is_broken(observed: &Observed, scenario: Option<&Scenario>) -> bool {
    let most = scenario.and_then(|it| it.expect.undeclared_dependencies);
    let found = observed.undeclared.as_ref().map_or(0, Vec::len) as u64;
    most.is_some_and(|most| found > most)
}

fn begin(server: Option<&Server>, progress: &mut Progress) {
    if let Some(server) = server {
        let address = server.address;
        tell(&format!("metrics: http://{address}/metrics\n"));
        if server.is_open() {
            tell(&format!(
                "warning: whoever can reach {address} can read them; nobody is asked who he is\n"
            ));
        }
    }
    progress.begin();
}

/// Tells it all, where it belongs: beside events, stdout is for those.
fn report(observed: &Observed, args: &ObserveArgs, common: &Common) -> Result<()> {
    let seen = observed.observation();
    let text = match args.map {
        Some(format) => map::map(&seen, format.into()),
        None if common.output == Output::Json && !args.events => observed::json(&seen) + "\n",
        None => observed::text(&seen, terminal_width()),
    };
    match args.events {
        true => tell(&text),
        false => say(&text)?,
    }
    if args.map.is_some() {
        for it in seen.undeclared.unwrap_or_default() {
            let line = format!("warning: not declared: {} calls {}", it.service, it.words());
            tell(&(observed::visible(&line) + "\n"));
        }
    }
    Ok(())
}

/// How it goes, on a line of a terminal's that is written again and again.
struct Progress {
    is_on: bool,
    at_most: Option<Duration>,
}

impl Progress {
    /// Events on the same terminal would be torn by it.
    fn new(events: bool, at_most: Option<Duration>) -> Self {
        let is_mixed = events && io::stdout().is_terminal();
        Self {
            is_on: io::stderr().is_terminal() && !is_mixed,
            at_most,
        }
    }

    fn begin(&self) {
        if self.is_on && self.at_most.is_none() {
            tell("observing until Ctrl-C\n");
        }
    }

    fn show(&self, model: &Model, time: Duration) {
        if !self.is_on {
            return;
        }
        let calls = model.dependencies().iter().map(|it| &it.party);
        let calls = calls.chain(model.services().iter().map(|it| &it.party));
        let calls: u64 = calls.map(|party| party.total().calls).sum();
        let of = match self.at_most {
            Some(limit) => format!(" of {}", words::duration(limit, 1)),
            None => String::new(),
        };
        tell(&format!(
            "\r\x1b[K{}{of}: {calls} calls, {} services, {} dependencies",
            words::duration(Duration::from_secs(time.as_secs()), 0),
            model.services().len(),
            model.dependencies().len(),
        ));
    }

    /// Tells something that stays, above the line.
    fn note(&self, text: &str) {
        self.clear();
        tell(&(observed::visible(text) + "\n"));
    }

    fn clear(&self) {
        if self.is_on {
            tell("\r\x1b[K");
        }
    }
}
