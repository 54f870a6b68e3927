//! `probe inject`: one fault, now; it ends by itself.

use std::{fs::File, io::IsTerminal, io::Read, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};

mod fault;
mod later;
mod telling;

use super::{
    Common, Output, say,
    target::{Direction, TargetArgs},
    tell,
};
use crate::{
    endpoint::{EndpointSpec, Host},
    engine::injection::{Prepared, Request},
    kernel::support,
    mistake::Mistake,
    quantity::{parse_duration, words::typed_duration},
    report::injection::EndedBy,
};

/// Inject one fault, now; it ends by itself
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub struct InjectArgs {
    #[command(flatten)]
    fault: fault::FaultArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// Which way packets go that it happens to, seen from here [default: egress; http-status: ingress]
    #[arg(long, value_enum, value_name = "WAY", help_heading = "Target")]
    direction: Option<Direction>,
    /// Every packet, to and from everywhere; without --to, this has to be said
    #[arg(long, conflicts_with = "to", help_heading = "Target")]
    everything: bool,
    /// For how long, at most an hour
    #[arg(long = "for", value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    duration: Duration,
    /// Let --for be longer than an hour
    #[arg(long)]
    unlimited_duration: bool,
    /// Decide as a run with this number did; default: a random one, which is told
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Say what would be done, and touch nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    later: later::LaterArgs,
}

/// What stands at the end of the help.
fn after_help() -> String {
    format!("Faults:\n{}\n{EXAMPLES}", fault::list())
}

const EXAMPLES: &str = "\
Examples:
  probe inject delay 200ms --to 10.0.0.7:80 --for 30s
  probe inject loss 30% --to payments.internal --netns shop --ramp 10s
  probe inject corrupt 5% --mode payload --to '[fd00::7]:5432' --proto tcp
  probe inject rate 1mbit --to 10.0.0.7:80 --percent-of-flows 30%
  probe inject partition --to 10.0.0.0/24 --pulse 5s/5s --for 60s -o json
  probe inject delay 2s --to :5432 --dry-run

It ends after --for, on Ctrl-C, by `probe stop`, and within a second if probe is killed.
Exit codes: 0 it touched packets; 2 it can't be done; 3 stopped early; 4 it touched none.";

/// The longest that needs no further word.
const LONGEST: Duration = Duration::from_secs(3600);

/// Runs the command.
///
/// # Errors
/// Where what was typed can't be, or the host can't do it.
pub fn run(args: InjectArgs, common: &Common) -> Result<ExitCode> {
    let dry_run = args.dry_run;
    let request = args.request()?;
    if !dry_run {
        support::require_privileges("inject")?;
    }
    let prepared = Prepared::new(request)?;
    if dry_run {
        say(&match common.output {
            Output::Text => format!("would be armed: {}\n", telling::summary(&prepared)),
            Output::Json => telling::dry_run_json(&prepared) + "\n",
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut teller = telling::Teller::new(telling::summary(&prepared), common.color);
    let outcome = prepared.run(&mut |progress| teller.tell(progress));
    teller.end();
    let outcome = outcome?;
    match (&outcome.ended_by, outcome.why_ineffective()) {
        (EndedBy::Deadline, Some((why, hint))) => {
            tell(&format!("ineffective: {why}\nhint: {hint}\n"));
        }
        (EndedBy::Deadline, None) => {}
        (ended_by, _) => tell(&format!("ended: {}\n", ended_by.reason())),
    }
    say(&match common.output {
        Output::Text => outcome.text(),
        Output::Json => outcome.json() + "\n",
    })?;
    Ok(ExitCode::from(outcome.exit_code()))
}

impl InjectArgs {
    /// What was typed, validated.
    fn request(self) -> Result<Request> {
        let (fault, modifiers) = self.fault.read()?;
        let direction = fault.direction(self.direction.map(Into::into))?;
        self.later.refuse()?;
        self.refuse_near_side()?;
        let to = self.far_sides()?;
        Ok(Request {
            fault,
            modifiers,
            to,
            protocol: self.target.proto.into(),
            direction,
            netns: self.target.netns(),
            duration: self.duration()?,
            interfaces: self.target.interface,
            seed: match self.seed {
                Some(seed) => seed,
                None => random_seed()?,
            },
        })
    }

    fn refuse_near_side(&self) -> Result<()> {
        let named = match &self.target {
            target if target.process.is_some() => "--process",
            target if target.cgroup.is_some() => "--cgroup",
            _ => return Ok(()),
        };
        bail!("inject: {named} is not supported yet\nhint: say whose traffic with --netns and --to")
    }

    fn far_sides(&self) -> Result<Vec<EndpointSpec>> {
        if self.everything {
            return Ok(vec![EndpointSpec {
                host: Host::Any,
                port: None,
            }]);
        }
        if self.target.to.is_empty() {
            bail!(
                "inject: no endpoint given\nhint: name one with --to HOST[:PORT], or give \
                 --everything for the traffic to everywhere"
            );
        }
        Ok(self.target.to.clone())
    }

    fn duration(&self) -> Result<Duration, Mistake> {
        if self.duration.is_zero() {
            return Err(Mistake::new("--for: no time at all").hint("write --for 30s"));
        }
        if self.duration > LONGEST && !self.unlimited_duration {
            let asked = typed_duration(self.duration);
            return Err(Mistake::new(format!("--for: {asked} is more than an hour"))
                .hint("add --unlimited-duration if it is meant"));
        }
        Ok(self.duration)
    }
}

/// A seed from the kernel's randomness; short enough to type, and for JSON readers that keep
/// numbers as floats.
pub fn random_seed() -> Result<u64> {
    let mut bytes = [0; 4];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("seed: reading /dev/urandom\nhint: give one with --seed")?;
    Ok(u64::from(u32::from_ne_bytes(bytes)))
}

/// Whether progress on stderr is seen by somebody.
fn somebody_watches() -> bool {
    std::io::stderr().is_terminal()
}
