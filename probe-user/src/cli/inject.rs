//! `probe inject`: one fault, now; it ends by itself.

use std::{fs::File, io::IsTerminal, io::Read, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};

mod fault;
mod telling;

use super::{
    Common, Output,
    safeguards::ProtectArgs,
    say,
    target::{Direction, Protocol, TargetArgs},
    tell,
};
use crate::{
    endpoint::{EndpointSpec, Host},
    engine::injection::{Prepared, Request},
    fault::Fault,
    kernel::{delay_line::Choice, near, support},
    mistake::Mistake,
    plan::breadth::is_everything,
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
    /// Every packet, to and from everywhere; without --to, --process and --cgroup, this has to be
    /// said
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
    /// Where delayed packets wait: auto, userspace or fq [default: auto, or PROBE_DELAY_BACKEND]
    #[arg(long, value_name = "BACKEND", value_parser = Choice::parse)]
    delay_backend: Option<Choice>,
    /// Say what would be done, and touch nothing
    #[arg(long)]
    dry_run: bool,
    /// End it when standard input, a pipe, is closed
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
    #[command(flatten)]
    protect: ProtectArgs,
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
  probe inject loss 5% --process shop --to 10.0.0.7:80 --only new
  probe inject refuse --errno ETIMEDOUT --cgroup /system.slice/shop.service --to :5432
  probe inject pause --process shop --for 10s
  probe inject kill --signal TERM --cgroup /system.slice/shop.service
  probe inject limit-connections 10 --process shop --to 10.0.0.7:5432

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
    let until_stdin_closes = args.until_stdin_closes;
    let request = args.request(common)?;
    if !dry_run {
        support::require_privileges("inject")?;
    }
    let mut prepared = Prepared::new(request)?;
    prepared.until_stdin_closes = until_stdin_closes;
    if dry_run {
        say(&match common.output {
            Output::Text => format!(
                "would be armed: {}\n{}{}",
                telling::summary(&prepared),
                telling::stakes(&prepared),
                telling::spared(&prepared)
            ),
            Output::Json => telling::dry_run_json(&prepared) + "\n",
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    tell(&telling::stakes(&prepared));
    let mut teller = telling::Teller::new(telling::summary(&prepared), common.color);
    let outcome = prepared.run(&mut |progress| teller.tell(progress));
    teller.end();
    let outcome = outcome?;
    match (&outcome.ended_by, outcome.why_ineffective()) {
        (EndedBy::Deadline | EndedBy::Done(_), Some((why, hint))) => {
            tell(&format!("ineffective: {why}\nhint: {hint}\n"));
        }
        (EndedBy::Deadline | EndedBy::Done(_), None) => {}
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
    fn request(self, common: &Common) -> Result<Request> {
        let (fault, modifiers) = self.fault.read()?;
        let direction = fault.direction(self.direction.map(Into::into))?;
        self.refuse_what_no_attempt_has(&fault)?;
        self.refuse_what_no_process_has(&fault)?;
        let to = match fault.is_on_processes() {
            true => Vec::new(),
            false => self.far_sides()?,
        };
        Ok(Request {
            fault,
            modifiers,
            to,
            protocol: self.target.proto.into(),
            direction,
            near: self.near_side(),
            netns: self.target.netns(),
            safeguards: self.protect.clone().safeguards(common),
            duration: self.duration()?,
            interfaces: self.target.interface,
            delay_backend: match self.delay_backend {
                Some(choice) => choice,
                None => Choice::of_environment()?,
            },
            seed: match self.seed {
                Some(seed) => seed,
                None => random_seed()?,
            },
        })
    }

    /// Whose traffic it is to happen to.
    fn near_side(&self) -> near::Wanted {
        near::Wanted {
            process: self.target.process.clone(),
            cgroup: self.target.cgroup.clone(),
        }
    }

    /// Refuses what a fault of connect() can't be told.
    fn refuse_what_no_attempt_has(&self, fault: &Fault) -> Result<()> {
        if !fault.is_at_connect() {
            return Ok(());
        }
        if !self.target.interface.is_empty() {
            bail!(
                "inject: {} happens before there is a packet, and so on no interface\nhint: leave \
                 --interface out",
                fault.kind()
            );
        }
        if fault.limit().is_some() && self.target.proto == Protocol::Udp {
            bail!(
                "inject: {} counts TCP connections\nhint: leave --proto out",
                fault.kind()
            );
        }
        Ok(())
    }

    /// Refuses what a fault on processes can't be told, and one that nobody says whose for.
    fn refuse_what_no_process_has(&self, fault: &Fault) -> Result<()> {
        if !fault.is_on_processes() {
            return Ok(());
        }
        let given = [
            ("--to", !self.target.to.is_empty()),
            ("--everything", self.everything),
            ("--interface", !self.target.interface.is_empty()),
            ("--proto", self.target.proto != Protocol::Any),
            ("--delay-backend", self.delay_backend.is_some()),
        ];
        if let Some((option, _)) = given.iter().find(|(_, is_given)| *is_given) {
            bail!(
                "inject: {option}: {} acts on processes, not on packets\nhint: leave {option} out",
                fault.kind()
            );
        }
        if self.near_side().is_everybody() {
            bail!(
                "inject: {} needs to be told which processes\nhint: name them with --process \
                 NAME|PID or --cgroup PATH",
                fault.kind()
            );
        }
        Ok(())
    }

    fn far_sides(&self) -> Result<Vec<EndpointSpec>> {
        let is_aimed = !self.near_side().is_everybody();
        if self.everything || (is_aimed && self.target.to.is_empty()) {
            return Ok(vec![EndpointSpec {
                host: Host::Any,
                port: None,
            }]);
        }
        if self.target.to.is_empty() {
            bail!(
                "inject: no endpoint given\nhint: name one with --to HOST[:PORT], or whose traffic with \
                 --process or --cgroup, or give --everything for the traffic to everywhere"
            );
        }
        // Names aside: nobody can know what all they may come to mean.
        let plain = self.target.to.iter().filter(|spec| spec.name().is_none());
        let endpoints: Vec<_> = plain.flat_map(|spec| spec.resolved(&[])).collect();
        if is_everything(&endpoints) {
            bail!(
                "inject: these --to are everything there is\nhint: name hosts, networks or a port, \
                 or give --everything instead if it is meant"
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

#[cfg(test)]
mod tests {
    use super::{
        super::{Command, style::Color},
        *,
    };
    use crate::report::schema::tests::complaints;

    #[test]
    fn a_dry_run_is_what_its_schema_says() {
        let own = std::process::id();
        let line = format!("probe inject delay 5ms --to 127.0.0.1:9 --process {own} --dry-run");
        let words = line.split(' ').map(Into::into).collect();
        let cli = super::super::parse(words, Color::Never).unwrap();
        let Some(Command::Inject(args)) = cli.command else {
            panic!("{line}");
        };
        let prepared = Prepared::new(args.request(&cli.common).unwrap()).unwrap();
        let document = serde_json::from_str(&telling::dry_run_json(&prepared)).unwrap();
        assert_eq!(complaints("inject-plan", &document), [""; 0]);
    }
}
