//! The injector of one network namespace: its programs, its maps, its delay line.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use aya::{Ebpf, programs::TcAttachType};
use probe_common::{
    counters::{InjectorCounters, RuleCounters},
    names::{map, program},
    rule::{EndpointKey, PlanHeader},
};

mod lines;
mod maps;
mod write;

use maps::array;

use super::{
    attach, clock,
    delay_line::{Backend, DelayBackend, kernel_has_departure_times},
    hooks, interfaces,
    lease::Lease,
    leftovers::Ledger,
    log::KernelLog,
    near::{self, Watch},
    netns::Netns,
    object::{self, Half},
    overheard::Overheard,
    presence::Presence,
    processes::Processes,
};
use crate::plan::{NearSide, Plan, encode::encode};

/// Faults in one network namespace. Dropped, it ends them all, lets waiting packets go and takes
/// everything away again.
#[derive(Debug)]
pub struct Injector {
    netns: Netns,
    ledger: Ledger,
    // Taken apart, in this order, when dropped.
    processes: Option<Processes>,
    watch: Option<Watch>,
    lines: Vec<Box<dyn DelayBackend>>,
    ebpf: Option<Ebpf>,
    _log: Option<KernelLog>,
    lease: Lease,
    header: PlanHeader,
    targets: BTreeSet<EndpointKey>,
    /// Words of the filter before them that aren't zero.
    filter: BTreeMap<u32, u64>,
    rules: usize,
    /// Whether the list of what no fault touches is written.
    protects: bool,
    /// Distributions whose tables are written.
    jitter: BTreeSet<u32>,
    /// Whose traffic rules are for that hold for the near side alone.
    near: NearSide,
    /// By rule: since when it holds that was written last.
    since: Vec<u64>,
    /// By rule: how many of the connections that count were there before.
    seeded: Vec<u64>,
    /// DNS answers that came by, where endpoints are names.
    overheard: Option<Overheard>,
    /// What the programs are attached to, and the line's device.
    attached: Vec<(u32, String)>,
    presence: Presence,
}

impl Injector {
    /// Loads the programs and attaches them to interfaces of a namespace; nothing is injected
    /// yet. What a plan needs besides is there: hooks of connect(), the near side looked for, and
    /// the backends named, by which packets can wait. Later plans may need no more.
    ///
    /// # Errors
    /// Where the kernel or an interface refuses; nothing is left behind then.
    pub fn open(
        netns: Netns,
        interfaces: &[String],
        plan: &Plan,
        backends: &[Backend],
    ) -> Result<Self> {
        let mut ebpf = object::load_without(Half::Injector, &not_needed(plan))?;
        for name in [program::TC_EGRESS, program::TC_INGRESS, program::TC_LINE] {
            object::load_program(&mut ebpf, name)?;
        }
        if backends.contains(&Backend::Fq) && kernel_has_departure_times() {
            object::load_program(&mut ebpf, program::TC_LANE)?;
            object::load_program(&mut ebpf, program::TC_LANE_TURN)?;
        }
        let log = KernelLog::follow(&mut ebpf);
        let lease = Lease::keep(array(&mut ebpf, map::LEASE)?)?;
        let mut header = PlanHeader {
            owner_pid: std::process::id(),
            netns_inode: netns.inode,
            armed_ns: clock::now_ns(),
            netns_cookie: match plan.has_attempts() {
                true => netns.cookie()?,
                false => 0,
            },
            ..PlanHeader::default()
        };
        plan.near.encode(&mut header);
        header.overhears = u32::from(plan.has_names);
        let overheard = match plan.has_names {
            true => Some(Overheard::take(&mut ebpf)?),
            false => None,
        };
        let ledger = Ledger::open(&netns);
        let presence = Presence::of(&netns)?;
        let mut injector = Self {
            netns,
            ledger,
            processes: None,
            watch: None,
            lines: Vec::new(),
            ebpf: Some(ebpf),
            _log: log,
            lease,
            header,
            targets: BTreeSet::new(),
            filter: BTreeMap::new(),
            rules: 0,
            protects: false,
            jitter: BTreeSet::new(),
            near: plan.near.clone(),
            since: Vec::new(),
            seeded: Vec::new(),
            overheard,
            attached: Vec::new(),
            presence,
        };
        if !interfaces.is_empty() {
            injector.start_lines(backends)?;
        }
        if !backends.is_empty() && interfaces.iter().any(|name| name == "lo") {
            injector.let_loopback_packets_return()?;
        }
        injector.aim(plan)?;
        injector.attach(interfaces)?;
        if plan.has_processes() {
            injector.processes = Some(Processes::start(injector.ebpf(), &injector.netns, plan)?);
        }
        log::info!(
            "programs attached to {} in network namespace \"{}\", by {:?}",
            interfaces.join(", "),
            injector.netns.name,
            attach::Method::of_this_kernel()
        );
        Ok(injector)
    }

    /// Makes a plan the one that holds, in place of the one before. A rule keeps its counters
    /// as long as it keeps its place.
    ///
    /// # Errors
    /// Where the plan doesn't fit, or a map can't be written; then no fault holds.
    pub fn apply(&mut self, plan: &Plan) -> Result<()> {
        if !self.protects {
            anyhow::bail!("arming: nobody has said what is never to be faulted");
        }
        let encoded = encode(plan)?;
        if plan.turns_back() && self.attached.iter().any(|(_, name)| name == "lo") {
            self.let_loopback_packets_return()?;
        }
        let mut written = self.write(&encoded);
        if let Some(processes) = self.processes.as_ref().filter(|_| written.is_ok()) {
            written = processes.apply(plan);
        }
        if written.is_err() {
            self.end_all();
        }
        written
    }

    /// Ends every fault and lets waiting packets go.
    pub fn end_all(&mut self) {
        self.header.shape_count = 0;
        self.header.rule_count = 0;
        let header = self.header;
        if let Err(error) = self.kill().and_then(|()| self.set(map::PLAN, header)) {
            log::warn!("ending faults: {error:#}");
        }
        if let Some(processes) = &self.processes {
            processes.end();
        }
        self.let_go();
    }

    /// What acts on processes, where a plan does.
    pub fn processes(&self) -> Option<&Processes> {
        self.processes.as_ref()
    }

    /// That this process was frozen or kept waiting for longer than its lease, and for how long:
    /// its faults have ended then, and don't come back.
    pub fn lapsed(&self) -> Option<String> {
        if let Some(failed) = self.processes.as_ref().and_then(Processes::failed) {
            return Some(failed);
        }
        let late = self.lease.lapsed()?;
        Some(format!(
            "probe was frozen for {:.1} s, longer than its faults outlive it",
            late.as_secs_f64()
        ))
    }

    /// DNS answers that came by since the last time.
    pub fn overheard(&mut self) -> Vec<Vec<u8>> {
        self.overheard
            .as_mut()
            .map(Overheard::messages)
            .unwrap_or_default()
    }

    /// Counters of each rule of the plan, in its order, all CPUs together.
    ///
    /// # Errors
    /// Where the map can't be read.
    pub fn counters(&self) -> Result<Vec<RuleCounters>> {
        let values = self.per_cpu::<RuleCounters>(map::RULE_COUNTERS)?;
        (0..self.rules as u32)
            .map(|index| {
                let mut sum = RuleCounters::default();
                values.get(&index, 0)?.iter().for_each(|cpu| sum.add(cpu));
                Ok(sum)
            })
            .collect()
    }

    /// Counters of the injector as a whole.
    ///
    /// # Errors
    /// Where the map can't be read.
    pub fn totals(&self) -> Result<InjectorCounters> {
        let mut sum = InjectorCounters::default();
        let values = self.per_cpu::<InjectorCounters>(map::INJECTOR_COUNTERS)?;
        values.get(&0, 0)?.iter().for_each(|cpu| sum.add(cpu));
        Ok(sum)
    }

    /// What the faults need that has gone since they were armed: the namespace, an interface or
    /// the line's device; `None` while all is there.
    ///
    /// # Errors
    /// Where the kernel doesn't answer.
    pub fn missing(&self) -> Result<Option<String>> {
        if !self.netns.is_there() {
            return Ok(Some(format!("network namespace \"{}\"", self.netns.name)));
        }
        for (index, name) in &self.attached {
            if !self.presence.has(*index, name)? {
                return Ok(Some(format!("interface \"{name}\"")));
            }
        }
        Ok(None)
    }

    /// Has the programs know the near side, and attaches those that are about connect().
    fn aim(&mut self, plan: &Plan) -> Result<()> {
        let header = self.header;
        self.set(map::PLAN, header)?;
        // Before it is looked for what is there: what comes from now on is noted.
        hooks::attach(self.ebpf_mut(), plan)?;
        if plan.aims() {
            let maps = near::Maps::take(self.ebpf_mut())?;
            self.watch = Some(Watch::start(&self.netns, plan.near.clone(), maps)?);
        }
        Ok(())
    }

    fn attach(&mut self, names: &[String]) -> Result<()> {
        let Self {
            netns,
            ledger,
            ebpf,
            attached,
            ..
        } = self;
        let ebpf = ebpf.as_mut().context("the programs are unloaded")?;
        netns.within(|| {
            for name in names {
                attached.push((interfaces::named(name)?.index, name.clone()));
                attach::attach(ebpf, program::TC_EGRESS, name, TcAttachType::Egress, ledger)?;
                attach::attach(
                    ebpf,
                    program::TC_INGRESS,
                    name,
                    TcAttachType::Ingress,
                    ledger,
                )?;
            }
            Ok(())
        })
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        self.end_all();
        if let Some(line) = self.line() {
            log::info!(
                "delay line: {} frames went on, {} found no room, {} were refused, {} were not its own",
                line.released,
                line.overflow,
                line.failed,
                line.foreign
            );
        }
        drop(self.processes.take());
        drop(self.watch.take());
        // First the packets that wait, then the way back.
        self.lines.clear();
        let Self {
            netns,
            ledger,
            ebpf,
            ..
        } = self;
        let undone = netns.within(|| {
            drop(ebpf.take());
            ledger.settle();
            Ok(())
        });
        if let Err(error) = undone {
            log::warn!(
                "network namespace \"{}\": clearing up: {error:#}",
                self.netns.name
            );
        }
    }
}

/// Maps that a plan has no need of.
fn not_needed(plan: &Plan) -> Vec<&'static str> {
    let near = [
        map::NEAR_PIDS,
        map::NEAR_SOCKETS,
        map::NEAR_CONNECTIONS,
        map::NEAR_PORTS,
    ];
    let mut unused = Vec::new();
    if !plan.aims() {
        unused.extend(near);
    }
    if !plan.has_ages() {
        unused.push(map::BEGUN);
    }
    if !plan.has_limits() {
        unused.push(map::COUNTED);
    }
    unused
}
