//! One injection, from what was asked to what came of it. However it ends, nothing of it stays.

use std::{os::fd::AsFd, time::Duration};

use anyhow::{Context, Result};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe::Receiver,
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    names::Names,
    protection::{never_faulted, session_at_stake},
    trail::{Ground, Safeguards, Trail},
};
use crate::{
    endpoint::EndpointSpec,
    fault::{Fault, Modifiers},
    kernel::{
        blast, clock,
        delay_line::{Backend, Choice, Waits},
        injector::Injector,
        leftovers, near,
        netns::{Netns, NetnsRef},
        process,
        processes::{Finder, Members, Processes},
        resolve::{Resolved, resolve, resolve_names},
        support,
    },
    plan::{Direction, NearSide, Plan, Protocol, Rule},
    protection::NeverFaulted,
    report::{
        blast::Reached,
        injection::{EndedBy, Injection, Waited},
    },
    verdict::FaultCounters,
};

/// How often the kill switch is looked at. The kernel programs obey it at once; this is how soon
/// probe says so, and aims at what names have come to mean.
const WATCH_KILL: Duration = Duration::from_millis(50);
/// How often it is looked after what the fault needs.
const WATCH_GROUND: Duration = Duration::from_millis(250);
/// How often progress is told.
const TELL: Duration = Duration::from_secs(1);
/// How long the line's thread gets to let packets go and hand over what it measured.
const SETTLE: Duration = Duration::from_millis(20);

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is to happen.
    pub fault: Fault,
    /// When it is how large, and how much of the traffic it may touch.
    pub modifiers: Modifiers,
    /// To packets to and from where.
    pub to: Vec<EndpointSpec>,
    /// Of which protocol.
    pub protocol: Protocol,
    /// In which direction.
    pub direction: Direction,
    /// Whose.
    pub near: near::Wanted,
    /// In which network namespace.
    pub netns: NetnsRef,
    /// On these interfaces; where none is named, on those that lead there.
    pub interfaces: Vec<String>,
    /// For how long.
    pub duration: Duration,
    /// Seed of its decisions.
    pub seed: u64,
    /// Where packets are to wait.
    pub delay_backend: Choice,
    /// What keeps the host from harm.
    pub safeguards: Safeguards,
}

/// A request whose namespace is open and whose target is resolved; nothing is touched yet.
#[derive(Debug)]
pub struct Prepared {
    request: Request,
    netns: Netns,
    /// Where packets wait, if any do.
    backend: Option<Backend>,
    /// Whose traffic it is for.
    pub near: NearSide,
    /// Endpoints and interfaces.
    pub target: Resolved,
    names: Names,
    /// What it doesn't touch, whatever it is aimed at.
    pub never_faulted: NeverFaulted,
    /// What it would touch now; `None` where the host can't tell.
    pub reached: Option<Reached>,
    /// The processes it would act on now, where that is what it does.
    pub processes: Option<Members>,
    /// What becomes of the session probe was started in, where it is at stake.
    pub session: Option<String>,
    /// Whether it ends with its standard input, a pipe: so that it ends with whoever started it.
    pub until_stdin_closes: bool,
}

/// Something to tell a person meanwhile.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// So many dead probes had left something behind, which is cleared now.
    Cleared(usize),
    /// The fault holds.
    Armed,
    /// It has held for a while.
    Holding {
        /// Until it ends.
        left: Duration,
        /// What became of packets so far.
        counters: FaultCounters,
    },
}

impl Prepared {
    /// Opens the namespace and resolves the target.
    ///
    /// # Errors
    /// Where either can't be done.
    pub fn new(request: Request) -> Result<Self> {
        let netns = Netns::open(&request.netns)?;
        let near = near::resolve(&request.near, &netns)?;
        let processes = match request.fault.is_on_processes() {
            true => Some(Finder::new(&near, netns.inode).find_some()?),
            false => None,
        };
        // Where names are to be followed, their answers have to be met somewhere.
        let has_names = request.to.iter().any(|spec| spec.name().is_some());
        let on_no_packets = request.fault.is_at_connect() && !has_names;
        let target = match on_no_packets || processes.is_some() {
            true => resolve_names(&netns, &request.to)?,
            false => resolve(&netns, &request.to, &request.interfaces)?,
        };
        let backend = match request.fault {
            fault if fault.waits() => Some(request.delay_backend.settle()?),
            fault if fault.needs_line() => Some(Backend::Userspace),
            _ => None,
        };
        let never_faulted = never_faulted(&netns, &request.safeguards.wishes)?;
        // Connections that are there are nothing to what is about processes, or new ones alone.
        let on_connections = processes.is_none() && !request.fault.is_at_connect();
        let reached = blast::radius(&netns, &near, &target.endpoints, request.protocol)
            .inspect_err(|error| log::warn!("what would be touched: {error:#}"))
            .ok()
            .filter(|_| on_connections);
        let session = session_at_stake(&netns, &target.endpoints, request.protocol, &never_faulted)
            .filter(|_| on_connections && !near.is_somebody());
        Ok(Self {
            names: Names::among(&request.to, &netns, target.endpoints.len()),
            near,
            processes,
            request,
            netns,
            backend,
            target,
            never_faulted,
            reached,
            session,
            until_stdin_closes: false,
        })
    }

    /// What was asked.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Where packets wait: "userspace" or "fq", or "none" where none has to.
    pub fn delay_backend(&self) -> &'static str {
        self.backend.map_or("none", Backend::name)
    }

    /// Injects until the deadline, a signal, the kill switch, or until the ground is gone.
    ///
    /// # Errors
    /// Where the host can't, or refuses half-way. The fault is over then, too.
    pub fn run(self, tell: &mut dyn FnMut(Progress)) -> Result<Injection> {
        support::require_privileges("inject")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("inject: starting a runtime")?;
        runtime.block_on(self.inject(tell))
    }

    fn plan(&self, starts_ns: u64) -> Plan {
        let request = &self.request;
        Plan {
            near: self.near.clone(),
            has_names: self.names.are_any(),
            rules: vec![Rule {
                name: request.fault.to_string(),
                fault: request.fault,
                modifiers: request.modifiers,
                endpoints: self.target.endpoints.clone(),
                protocol: request.protocol,
                direction: request.direction,
                starts_ns,
                ends_ns: starts_ns.saturating_add(request.duration.as_nanos() as u64),
                seed: request.seed,
                near: self.near.is_somebody(),
            }],
        }
    }

    fn ground(&self) -> Ground {
        Ground {
            netns: self.request.netns.to_string(),
            netns_inode: self.netns.inode,
            interfaces: self.target.interfaces.clone(),
            near: Some(self.near.to_string()).filter(|_| self.near.is_somebody()),
            ..Ground::default()
        }
        .never_faulting(&self.never_faulted)
    }

    /// The same, within a runtime.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn inject(self, tell: &mut dyn FnMut(Progress)) -> Result<Injection> {
        // Before anything is armed, so that no signal finds it armed and unwatched.
        let mut person = Person::watch(self.until_stdin_closes)?;
        match leftovers::clear() {
            0 => {}
            count => tell(Progress::Cleared(count)),
        }
        let Self {
            request,
            netns,
            target,
            near,
            never_faulted,
            backend,
            ..
        } = &self;
        // Given up last, so that what it writes down is over.
        let mut trail = Trail::begin(&request.safeguards, self.ground())?;
        let mut injector = Injector::open(
            netns.try_clone()?,
            &target.interfaces,
            &self.plan(0),
            backend.as_slice(),
        )?;
        injector.protect(never_faulted)?;
        let plan = self.plan(clock::now_ns());
        trail.armed(0, &plan.rules[0])?;
        // Its time begins now, however long that took.
        let plan = self.plan(clock::now_ns());
        let began = Instant::now();
        injector.apply(&plan)?;
        tell(Progress::Armed);
        let mut held = Held {
            injector,
            plan,
            names: &self.names,
        };
        let deadline = began + request.duration;
        let ended_by = held.watch(deadline, &mut person, tell).await?;
        let Held {
            mut injector, plan, ..
        } = held;
        injector.end_all();
        let held = began.elapsed();
        sleep(SETTLE).await;
        let (counters, waits) = read(&injector)?;
        let survivors = injector.processes().map(Processes::survivors);
        trail.count(0, counters);
        trail.ended(0, ended_by.name(), ended_by.reason());
        Ok(Injection {
            fault: request.fault,
            modifiers: request.modifiers,
            seed: request.seed,
            duration: request.duration,
            held,
            endpoints: plan.rules[0].endpoints.clone(),
            direction: request.direction,
            near: near.is_somebody().then(|| near.to_string()),
            netns: request.netns.to_string(),
            interfaces: target.interfaces.clone(),
            delay_backend: self.delay_backend(),
            counters,
            waited: waited(request, &waits),
            ended_by,
            survivors: survivors.unwrap_or_default(),
        })
    }
}

/// An armed fault.
struct Held<'a> {
    injector: Injector,
    plan: Plan,
    names: &'a Names,
}

impl Held<'_> {
    /// Watches over it until something ends it.
    async fn watch(
        &mut self,
        deadline: Instant,
        person: &mut Person,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<EndedBy> {
        let mut watch_kill = ticks(WATCH_KILL);
        let mut watch_ground = ticks(WATCH_GROUND);
        let mut telling = ticks(TELL);
        loop {
            tokio::select! {
                biased;
                how = person.stops() => return Ok(EndedBy::Operator(how)),
                () = sleep_until(deadline) => return Ok(self
                    .injector
                    .lapsed()
                    .map_or(EndedBy::Deadline, EndedBy::Guard)),
                _ = watch_kill.tick() => {
                    if self.injector.processes().is_some_and(Processes::are_done) {
                        return Ok(EndedBy::Done("there is none of its processes left"));
                    }
                    if let Some(late) = self.injector.lapsed() {
                        return Ok(EndedBy::Guard(late));
                    }
                    if self.injector.killed()? {
                        return Ok(EndedBy::Operator("stopped by `probe stop`"));
                    }
                    self.follow_names()?;
                }
                _ = watch_ground.tick() => {
                    // The namespace may be gone because all its processes are.
                    if self.injector.processes().is_some_and(Processes::are_done) {
                        continue;
                    }
                    if let Some(gone) = self.injector.missing()? {
                        return Ok(EndedBy::Guard(format!("{gone} is gone")));
                    }
                }
                _ = telling.tick() => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    let (counters, _) = read(&self.injector)?;
                    tell(Progress::Holding { left, counters });
                }
            }
        }
    }

    /// Aims at what names have come to mean as well.
    fn follow_names(&mut self) -> Result<()> {
        let messages = self.injector.overheard();
        let endpoints = &mut self.plan.rules[0].endpoints;
        if self.names.learn(&messages, endpoints) {
            self.injector.apply(&self.plan)?;
        }
        Ok(())
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    // After a stop, once is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// What became of packets, in the kernel and in the line.
fn read(injector: &Injector) -> Result<(FaultCounters, Waits)> {
    let rule = injector.counters()?.first().copied().unwrap_or_default();
    let line = injector.line().unwrap_or_default();
    let mut counters = FaultCounters::of_rule(&rule, line.overflow);
    counters.errors += line.failed + injector.totals()?.lost_way;
    Ok((counters, line.waits))
}

/// How long packets waited. Where all were to wait equally long, their lateness tells the rest
/// more precisely than their waits.
fn waited(request: &Request, waits: &Waits) -> Waited {
    if !request.fault.waits() {
        return Waited::default();
    }
    let constant_ns = request.fault.constant_wait_ns();
    let constant_ns = constant_ns.filter(|_| request.modifiers.ramp_ns == 0);
    let (base, measured) = match constant_ns {
        Some(ns) => (ns / 1_000, &waits.lateness),
        None => (0, &waits.measured),
    };
    let Some(measured_p50) = measured.quantile_us(0.5) else {
        return Waited::default();
    };
    Waited {
        requested_p50: match constant_ns {
            Some(_) => base,
            None => waits.requested.quantile_us(0.5).unwrap_or_default(),
        },
        measured_p50: base + measured_p50,
        measured_p99: base + measured.quantile_us(0.99).unwrap_or(measured_p50),
    }
}

/// The signals by which a person, or who acts for one, stops a fault.
struct Person {
    interrupt: Signal,
    terminate: Signal,
    /// Not watched under nohup, which asks for that.
    hang_up: Option<Signal>,
    /// Whoever started it holds the other end.
    input: Option<Receiver>,
}

impl Person {
    fn watch(until_stdin_closes: bool) -> Result<Self> {
        let watch = |kind| signal(kind).context("inject: watching for signals");
        Ok(Self {
            interrupt: watch(SignalKind::interrupt())?,
            terminate: watch(SignalKind::terminate())?,
            hang_up: match process::ignores_signal(libc::SIGHUP) {
                true => None,
                false => Some(watch(SignalKind::hangup())?),
            },
            input: match until_stdin_closes {
                true => Some(own_input().context("inject: watching standard input")?),
                false => None,
            },
        })
    }

    async fn stops(&mut self) -> &'static str {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        let left_alone = async {
            match &mut self.input {
                Some(input) => while input.read(&mut [0]).await.is_ok_and(|read| read > 0) {},
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = left_alone => "stopped: whoever started it is gone",
            _ = self.interrupt.recv() => "stopped by Ctrl-C",
            _ = self.terminate.recv() => "stopped by SIGTERM",
            _ = hang_up => "stopped by SIGHUP: its terminal is gone",
        }
    }
}

/// Standard input, where it is a pipe.
fn own_input() -> std::io::Result<Receiver> {
    Receiver::from_owned_fd(std::io::stdin().as_fd().try_clone_to_owned()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Blackhole, Delay};

    fn request(fault: Fault) -> Request {
        Request {
            fault,
            modifiers: Modifiers::default(),
            to: Vec::new(),
            protocol: Protocol::Any,
            direction: Direction::Egress,
            near: near::Wanted::default(),
            netns: NetnsRef::Own,
            interfaces: Vec::new(),
            duration: Duration::ZERO,
            seed: 0,
            delay_backend: Choice::Auto,
            safeguards: Safeguards::default(),
        }
    }

    fn delayed() -> Request {
        request(Fault::Delay(Delay::of(100_000_000)))
    }

    fn waits() -> Waits {
        let mut waits = Waits::default();
        for lateness in 1..=100 {
            waits.lateness.record(lateness);
            waits.requested.record(50_000);
            waits.measured.record(50_000 + lateness);
        }
        waits
    }

    #[test]
    fn equal_waits_are_told_to_a_few_microseconds() {
        let waited = waited(&delayed(), &waits());
        assert_eq!(waited.requested_p50, 100_000);
        assert!(waited.measured_p50.abs_diff(100_050) <= 1, "{waited:?}");
        assert!(waited.measured_p99.abs_diff(100_099) <= 2, "{waited:?}");
    }

    #[test]
    fn waits_that_grow_are_told_as_they_were() {
        let mut request = delayed();
        request.modifiers.ramp_ns = 1;
        let waited = waited(&request, &waits());
        assert!(waited.requested_p50.abs_diff(50_000) <= 800, "{waited:?}");
        assert!(waited.measured_p50.abs_diff(50_050) <= 800, "{waited:?}");
    }

    #[test]
    fn what_nobody_waited_is_zero() {
        assert_eq!(waited(&delayed(), &Waits::default()), Waited::default());
        let blackhole = request(Fault::Blackhole(Blackhole));
        assert_eq!(waited(&blackhole, &waits()), Waited::default());
    }
}
