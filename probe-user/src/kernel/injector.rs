//! The injector of one network namespace: its programs, its maps, its delay line.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use aya::{
    Ebpf, Pod,
    maps::{Array, HashMap, MapData, PerCpuArray},
    programs::TcAttachType,
};
use probe_common::{
    counters::{InjectorCounters, RuleCounters},
    line::{queue_length, slots_per_cpu},
    names::{map, program},
    protect::ProtectedKey,
    rule::{EndpointKey, FaultRule, JitterTable, PlanHeader, Target, only},
};

use super::{
    attach, clock,
    delay_line::{
        Backend, DelayBackend, Lane, LaneMaps, LineStatistics, Slots, Userspace,
        kernel_has_departure_times,
    },
    hooks, host, interfaces,
    lease::Lease,
    leftovers::Ledger,
    log::KernelLog,
    near::{self, Watch},
    netns::Netns,
    object::{self, Half},
    overheard::Overheard,
    processes::Processes,
    seeds,
};
use crate::{
    plan::{
        NearSide, Plan,
        encode::{Encoded, encode},
        jitter,
    },
    protection::{self, NeverFaulted},
};

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
            attach::load(&mut ebpf, name)?;
        }
        if backends.contains(&Backend::Fq) && kernel_has_departure_times() {
            attach::load(&mut ebpf, program::TC_LANE)?;
            attach::load(&mut ebpf, program::TC_LANE_TURN)?;
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
            rules: 0,
            protects: false,
            jitter: BTreeSet::new(),
            near: plan.near.clone(),
            since: Vec::new(),
            seeded: Vec::new(),
            overheard,
            attached: Vec::new(),
        };
        let claimed = injector.claim_line();
        if !backends.is_empty() {
            claimed?;
        }
        for backend in backends {
            match backend {
                Backend::Userspace => injector.start_line()?,
                Backend::Fq => injector.start_lane()?,
            }
        }
        if !backends.is_empty() && interfaces.iter().any(|name| name == "lo") {
            let Self { netns, ledger, .. } = &mut injector;
            netns.within(|| let_loopback_packets_return(ledger))?;
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

    /// Writes the list of what no fault touches; without one, no plan is taken.
    ///
    /// # Errors
    /// Where the list doesn't fit, or a map can't be written.
    pub fn protect(&mut self, list: &NeverFaulted) -> Result<()> {
        let encoded = protection::encode::encode(list)?;
        let mut ends: HashMap<_, ProtectedKey, u32> =
            self.map_mut(map::PROTECTED_ENDS)?.try_into()?;
        for key in &encoded.keys {
            ends.insert(key, 1, 0)
                .context("writing the never-fault list")?;
        }
        let mut ports: Array<_, u32> = self.map_mut(map::PROTECTED_PORTS)?.try_into()?;
        for (&word, &bits) in &encoded.ports {
            ports
                .set(word, bits, 0)
                .context("writing the never-fault list")?;
        }
        self.set(map::PROTECT, encoded.header)?;
        self.protects = true;
        Ok(())
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
            let Self { netns, ledger, .. } = self;
            netns.within(|| let_loopback_packets_return(ledger))?;
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

    /// Lets waiting packets go now, until the next plan.
    pub fn let_go(&self) {
        self.lines.iter().for_each(|line| line.let_go());
    }

    /// Whether the kill switch is on.
    ///
    /// # Errors
    /// Where the map can't be read.
    pub fn killed(&self) -> Result<bool> {
        let kill = self
            .ebpf()
            .map(map::KILL)
            .context("the kill switch is not in the object")?;
        let kill = Array::<_, u32>::try_from(kill)?;
        Ok(kill.get(&0, 0)? != 0)
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
        let there = self.netns.within(interfaces::all)?;
        let gone = self.attached.iter().find(|(index, name)| {
            !there
                .iter()
                .any(|it| it.index == *index && it.name == *name)
        });
        Ok(gone.map(|(_, name)| format!("interface \"{name}\"")))
    }

    /// What went through the delay lines, if there are any.
    pub fn line(&self) -> Option<LineStatistics> {
        if self.lines.is_empty() {
            return None;
        }
        let mut statistics = LineStatistics::default();
        for line in &self.lines {
            statistics.add(&line.statistics());
        }
        statistics.released += self.totals().map_or(0, |totals| totals.left_lane);
        Some(statistics)
    }

    /// Takes one of the host's few line numbers, and so the marks that come with it: also without a
    /// line of one's own, so that a packet which comes back from another's isn't met twice. The
    /// header that says so is in the kernel before anybody else looks.
    fn claim_line(&mut self) -> Result<()> {
        let _others_wait = host::line_lock()?;
        self.header.line = host::free_line()?;
        self.header.slots_per_cpu = slots_per_cpu(aya::util::nr_cpus().map_or(1, |n| n as u32));
        self.header.line_claimed = 1;
        let header = self.header;
        self.set(map::PLAN, header)
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

    fn start_line(&mut self) -> Result<()> {
        let slots = self
            .ebpf_mut()
            .take_map(map::LINE_SLOTS)
            .context("no slots in the object")?;
        let slots = match &slots {
            aya::maps::Map::Array(data) => Slots::map(data)?,
            _ => anyhow::bail!("the delay line's slots are not an array"),
        };
        let ways = array(self.ebpf_mut(), map::WAYS)?;
        let room = queue_length(self.header.slots_per_cpu);
        let line = Userspace::start(&self.netns, room, slots, ways)?;
        self.header.line_ifindex = line.ifindex();
        self.add_line(Box::new(line), program::TC_LINE)
    }

    fn start_lane(&mut self) -> Result<()> {
        let waits = self
            .ebpf_mut()
            .take_map(map::LANE_WAITS)
            .context("no waits in the object")?;
        let maps = LaneMaps {
            words: array(self.ebpf_mut(), map::LANE)?.into(),
            waits: waits.try_into()?,
        };
        let lane = Lane::make(&self.netns, Some(maps))?;
        self.header.lane_ifindex = lane.ifindex();
        let (far_netns, far_name) = lane.far_end();
        let ebpf = self.ebpf.as_mut().context("the programs are unloaded")?;
        far_netns.within(|| attach::attach_unseen(ebpf, program::TC_LANE_TURN, far_name))?;
        self.add_line(Box::new(lane), program::TC_LANE)
    }

    /// Has a program send on what leaves a line.
    fn add_line(&mut self, line: Box<dyn DelayBackend>, program: &str) -> Result<()> {
        let device = line.device_name().to_owned();
        log::info!("delayed packets wait behind {device}");
        self.attached.push((line.ifindex(), device.clone()));
        if let Some(release) = line.release() {
            self.lease.watch(self.kill_switch()?, release);
        }
        self.lines.push(line);
        let Self {
            netns,
            ledger,
            ebpf,
            ..
        } = self;
        let ebpf = ebpf.as_mut().context("the programs are unloaded")?;
        netns.within(|| attach::attach(ebpf, program, &device, TcAttachType::Ingress, ledger))
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

    /// Writes rules, then the targets that lead to them, then the shapes that lead to those.
    /// Rules that limit connections hold last, once those are counted that are open.
    fn write(&mut self, encoded: &Encoded) -> Result<()> {
        self.write_jitter(encoded)?;
        let fresh = self.fresh(encoded);
        let by_age = fresh
            .iter()
            .copied()
            .filter(|&index| encoded.rules[index as usize].only != only::ALL);
        let by_age: Vec<u32> = by_age.collect();
        let Self { netns, ebpf, .. } = self;
        let ebpf = ebpf.as_mut().context("the programs are unloaded")?;
        seeds::write_ages(ebpf, netns, &by_age)?;
        let limits = fresh.iter().copied();
        let limits: Vec<u32> = limits
            .filter(|index| encoded.limits.contains(index))
            .collect();
        self.write_rules(encoded, &limits)?;
        self.write_targets(encoded)?;
        self.rules = self.rules.max(encoded.rules.len());
        self.header.generation += 1;
        self.header.rule_count = encoded.rules.len() as u32;
        self.header.connect_rules = encoded.connect_rules;
        self.header.limit_count = encoded.limits.len() as u32;
        self.header.limits[..encoded.limits.len()].copy_from_slice(&encoded.limits);
        self.header.shape_count = encoded.shapes.len() as u32;
        self.header.shapes[..encoded.shapes.len()].copy_from_slice(&encoded.shapes);
        let header = self.header;
        self.lines.iter().for_each(|line| line.hold());
        self.set(map::PLAN, header)?;
        self.count_open(encoded, &limits)
    }

    /// Indices of the rules that come to hold by this plan.
    fn fresh(&mut self, encoded: &Encoded) -> Vec<u32> {
        let since: Vec<u64> = encoded.rules.iter().map(|rule| rule.starts_ns).collect();
        self.seeded.resize(since.len(), 0);
        let before = std::mem::replace(&mut self.since, since);
        let rules = encoded.rules.iter().enumerate();
        rules
            .filter(|(index, rule)| {
                rule.deadline_ns != 0 && before.get(*index) != Some(&rule.starts_ns)
            })
            .map(|(index, _)| index as u32)
            .collect()
    }

    /// Writes rules; those named are put off until time ends.
    fn write_rules(&mut self, encoded: &Encoded, put_off: &[u32]) -> Result<()> {
        let seeded = std::mem::take(&mut self.seeded);
        let mut rules: Array<_, FaultRule> = self.map_mut(map::RULES)?.try_into()?;
        for (index, rule) in encoded.rules.iter().enumerate() {
            let mut rule = *rule;
            rule.seeded = seeded[index];
            if put_off.contains(&(index as u32)) {
                rule.starts_ns = u64::MAX;
            }
            rules.set(index as u32, rule, 0).context("writing a rule")?;
        }
        self.seeded = seeded;
        Ok(())
    }

    fn write_targets(&mut self, encoded: &Encoded) -> Result<()> {
        let before = std::mem::take(&mut self.targets);
        let mut targets: HashMap<_, EndpointKey, Target> =
            self.map_mut(map::TARGETS)?.try_into()?;
        for (key, target) in &encoded.targets {
            targets.insert(key, target, 0).context("writing a target")?;
        }
        for gone in before
            .iter()
            .filter(|key| !encoded.targets.contains_key(key))
        {
            targets.remove(gone).context("removing a target")?;
        }
        self.targets = encoded.targets.keys().copied().collect();
        Ok(())
    }

    /// Counts the connections that are open, and lets the rules hold that limit them.
    fn count_open(&mut self, encoded: &Encoded, limits: &[u32]) -> Result<()> {
        if limits.is_empty() {
            return Ok(());
        }
        let asked: Vec<_> = limits
            .iter()
            .map(|&index| (index, encoded.rules[index as usize].near != 0))
            .collect();
        let Self {
            netns, ebpf, near, ..
        } = self;
        let ebpf = ebpf.as_mut().context("the programs are unloaded")?;
        let open = seeds::write_open(ebpf, netns, near, encoded, &asked)?;
        for (&index, open) in limits.iter().zip(open) {
            self.seeded[index as usize] += open;
        }
        self.write_rules(encoded, &[])
    }

    /// Writes the tables of the distributions that rules draw from, each once.
    fn write_jitter(&mut self, encoded: &Encoded) -> Result<()> {
        for of in encoded.rules.iter().map(|rule| rule.distribution) {
            if self.jitter.contains(&of) {
                continue;
            }
            let Some(table) = jitter::table(of) else {
                continue;
            };
            let mut tables: Array<_, JitterTable> = self.map_mut(map::JITTER)?.try_into()?;
            tables
                .set(of - 1, table, 0)
                .context("writing a jitter table")?;
            self.jitter.insert(of);
        }
        Ok(())
    }

    /// The kill switch once more, for another thread to look at.
    fn kill_switch(&self) -> Result<Array<MapData, u32>> {
        let Some(aya::maps::Map::Array(data)) = self.ebpf().map(map::KILL) else {
            anyhow::bail!("the kill switch is not in the object");
        };
        let again = MapData::from_id(data.info()?.id())?;
        Ok(aya::maps::Map::Array(again).try_into()?)
    }

    fn kill(&mut self) -> Result<()> {
        self.set(map::KILL, 1u32)
    }

    fn set<V: Pod>(&mut self, name: &str, value: V) -> Result<()> {
        let mut values: Array<_, V> = self.map_mut(name)?.try_into()?;
        values
            .set(0, value, 0)
            .with_context(|| format!("writing {name}"))
    }

    fn per_cpu<V: Pod>(&self, name: &str) -> Result<PerCpuArray<&MapData, V>> {
        let map = self
            .ebpf()
            .map(name)
            .with_context(|| format!("{name} is not in the object"))?;
        let aya::maps::Map::PerCpuArray(_) = map else {
            anyhow::bail!("{name} is not a per-CPU array");
        };
        Ok(PerCpuArray::try_from(map)?)
    }

    fn map_mut(&mut self, name: &str) -> Result<&mut aya::maps::Map> {
        self.ebpf_mut()
            .map_mut(name)
            .with_context(|| format!("{name} is not in the object"))
    }

    fn ebpf(&self) -> &Ebpf {
        self.ebpf
            .as_ref()
            .expect("it is taken only when this is dropped")
    }

    fn ebpf_mut(&mut self) -> &mut Ebpf {
        self.ebpf
            .as_mut()
            .expect("it is taken only when this is dropped")
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

/// A packet that returns to `lo` has lost its route. It is looked up anew, and without these the
/// look-up takes it for a forgery.
fn let_loopback_packets_return(ledger: &mut Ledger) -> Result<()> {
    for setting in ["accept_local", "route_localnet"] {
        ledger
            .set(&format!("/proc/sys/net/ipv4/conf/lo/{setting}"), "1")
            .context("letting packets return to lo")?;
    }
    Ok(())
}

fn array<V: Pod>(ebpf: &mut Ebpf, name: &str) -> Result<Array<MapData, V>> {
    Ok(take(ebpf, name)?.try_into()?)
}

pub(super) fn take(ebpf: &mut Ebpf, name: &str) -> Result<aya::maps::Map> {
    ebpf.take_map(name)
        .with_context(|| format!("{name} is not in the object"))
}
