//! `probe fingerprint`: runs the faults that make each resilience pattern show itself.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};

use super::{
    Common, Output, block_on,
    inject::random_seed,
    safeguards::ProtectArgs,
    say,
    target::{Protocol, TargetArgs},
    tell,
};
use crate::{
    engine::{
        fingerprint::{Told, Wanted, fingerprint},
        injection::Request,
        observe::names_of_hosts,
        target,
    },
    fault::{Blackhole, Delay, Fault, HttpStatus, Modifiers, Reset},
    kernel::{delay_line::Choice, near, support},
    mistake::Mistake,
    pattern::declared::{self, Policy},
    plan::{Direction, Share},
    quantity::{parse_duration, words::typed_duration},
    report,
};

/// Run the faults that make each resilience pattern show itself, and tell what it is like
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One after another, with calm in between: a blackhole (for the timeout), resets (for retries), errors
(HTTP 503, for the circuit breaker), slowness (for the bulkhead). The callers have to call as they
usually do meanwhile: probe makes no calls of its own.

Examples:
  probe fingerprint --to 10.0.0.7:80 --process checkout
  probe fingerprint --to payments.internal:80 --netns shop --declared policy.toml

Exit codes: 0 it is as declared, or nothing is; 1 it is not; 2 it can't be done; 3 stopped early; 4
no fault touched a packet; 5 something that is declared did not show, or nobody called.")]
pub struct FingerprintArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// What the callers are said to do, as docs/patterns.md has it; the difference is told
    #[arg(long, value_name = "FILE")]
    declared: Option<PathBuf>,
    /// How long each fault holds
    #[arg(long = "for", value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    duration: Duration,
    /// How long nothing is injected, before the first fault and after each
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    calm: Duration,
    /// Decide as a run with this number did; default: a random one
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where delayed packets wait: auto, userspace or fq [default: auto, or PROBE_DELAY_BACKEND]
    #[arg(long, value_name = "BACKEND", value_parser = Choice::parse)]
    delay_backend: Option<Choice>,
    #[command(flatten)]
    protect: ProtectArgs,
}

/// Less says nothing about who waits, and more is for `inject`.
const TIMES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// How slow answers are made, so that calls in flight pile up.
const SLOW_NS: u64 = 2_000_000_000;

/// Runs the command.
///
/// # Errors
/// Where what was typed can't be, or the host can't do it.
pub fn run(args: FingerprintArgs, common: &Common) -> Result<ExitCode> {
    let declared = args.declared.as_ref().map(read_declared).transpose()?;
    let declared = declared.unwrap_or_default();
    let wanted = args.wanted(common)?;
    support::require_privileges("fingerprint")?;
    let outcome = block_on(fingerprint(wanted, |told| match told {
        Told::Calm(time) => tell(&format!("calm for {}\n", typed_duration(time))),
        Told::Armed(fault) => tell(&format!("armed: {fault}\n")),
        Told::Pattern(text) => tell(&(report::observed::visible(text) + "\n")),
    }))?;
    let mut showing = outcome.showing.clone();
    showing
        .sheets
        .retain(|it| outcome.endpoints.iter().any(|at| is_at(at, &it.remote)));
    let told = report::fingerprint::Fingerprint {
        showing: &showing,
        from_ns: outcome.from_ns,
        injections: &outcome.injections,
        declared: &declared,
        lost_events: outcome.lost_events,
        stopped: outcome.stopped.as_deref(),
    };
    say(&match common.output {
        Output::Text => told.text(),
        Output::Json => told.json() + "\n",
    })?;
    Ok(ExitCode::from(told.exit_code()))
}

fn is_at(endpoint: &crate::plan::Endpoint, remote: &str) -> bool {
    let remote = remote.parse();
    remote.is_ok_and(|remote| crate::model::scope::is_at(endpoint, remote))
}

fn read_declared(file: &PathBuf) -> Result<Vec<Policy>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("reading {}\nhint: name a file in TOML", file.display()))?;
    Ok(declared::read(&text)?)
}

impl FingerprintArgs {
    fn wanted(&self, common: &Common) -> Result<Wanted> {
        let target = &self.target;
        if target.to.is_empty() {
            bail!(
                "fingerprint: no endpoint given\nhint: name the dependency with --to HOST[:PORT]"
            );
        }
        if target.proto == Protocol::Udp {
            bail!("fingerprint: its faults are for TCP\nhint: leave --proto out");
        }
        let within = |time: Duration| (TIMES.0..=TIMES.1).contains(&time);
        if !within(self.duration) || !within(self.calm) {
            let mistake = Mistake::new("fingerprint: --for and --calm go from 2s to 5m");
            return Err(mistake.hint("write --for 10s").into());
        }
        let scope = target::observed_target(&target::Wanted {
            netns: target.netns.as_ref(),
            // Its other dependencies tell whether a caller goes on.
            to: &[],
            process: target.process.as_deref(),
            cgroup: target.cgroup.as_deref(),
        })?;
        Ok(Wanted {
            scope,
            names: names_of_hosts(target.netns.as_ref()),
            requests: self.requests(common)?,
            calm: self.calm,
        })
    }

    fn requests(&self, common: &Common) -> Result<Vec<Request>> {
        let seed = match self.seed {
            Some(seed) => seed,
            None => random_seed()?,
        };
        let delay_backend = match self.delay_backend {
            Some(choice) => choice,
            None => Choice::of_environment()?,
        };
        let faults = [
            (Fault::Blackhole(Blackhole), Direction::Egress),
            (Fault::Reset(Reset { share: Share::ALL }), Direction::Egress),
            (
                Fault::HttpStatus(HttpStatus {
                    status: 503,
                    share: Share::ALL,
                }),
                Direction::Ingress,
            ),
            (Fault::Delay(Delay::of(SLOW_NS)), Direction::Egress),
        ];
        let request = |(fault, direction): (Fault, Direction)| Request {
            fault,
            modifiers: Modifiers::default(),
            to: self.target.to.clone(),
            protocol: self.target.proto.into(),
            direction,
            near: near::Wanted {
                process: self.target.process.clone(),
                cgroup: self.target.cgroup.clone(),
            },
            netns: self.target.netns(),
            interfaces: self.target.interface.clone(),
            duration: self.duration,
            seed,
            delay_backend,
            safeguards: self.protect.clone().safeguards(common),
        };
        Ok(faults.into_iter().map(request).collect())
    }
}
