//! Faults on this host, whichever process armed them: found among the kernel's programs and
//! maps, so that there is no file that could be missing or wrong.

use std::fs::File;

use anyhow::{Context, Result};
use aya::{
    Pod,
    maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray, loaded_maps},
    programs::{ProgramError, loaded_programs},
    sys::SyscallError,
};
use nix::fcntl::{Flock, FlockArg};
use probe_common::{
    ABI_VERSION,
    counters::RuleCounters,
    line::MAX_LINES,
    names::{map, program},
    rule::{EndpointKey, FaultRule, PlanHeader, Target, kill},
};

use super::{process, touched::Notes};
use crate::plan::{Endpoint, decode};

/// Faults of one process in one network namespace.
#[derive(Clone, Debug)]
pub struct Armed {
    /// Who, and where.
    pub header: PlanHeader,
    /// Command name of the process.
    pub command: Option<String>,
    /// Whether the kill switch is on.
    pub killed: bool,
    /// Until when the process vouches for them, on CLOCK_MONOTONIC.
    pub lease_until_ns: u64,
    /// The rules.
    pub rules: Vec<ArmedRule>,
}

/// One rule of another process's.
#[derive(Clone, Debug)]
pub struct ArmedRule {
    /// What it does, and when.
    pub rule: FaultRule,
    /// What came of it so far.
    pub counters: RuleCounters,
    /// To packets to and from where.
    pub endpoints: Vec<Endpoint>,
}

/// Throws the kill switch of every injector on the host, also of those whose process hangs;
/// tells how many had faults armed.
///
/// # Errors
/// Without the privilege to look at the kernel's maps.
pub fn stop_all() -> Result<usize> {
    let mut stopped = 0;
    let mut failed = None;
    for info in loaded_maps() {
        let info = match info {
            Ok(info) => info,
            Err(MapError::SyscallError(error)) if is_refusal(&error) => {
                return Err(error).context("looking for injectors");
            }
            // A map may go while the list is read.
            Err(_) => continue,
        };
        if info.name_as_str() != Some(map::KILL) {
            continue;
        }
        // One that has gone by now needs no stopping; the others are still to be stopped.
        let Ok(mut kill) = array_by_id::<u32>(info.id()) else {
            continue;
        };
        let was_thrown = kill.get(&kill::THROWN, 0).is_ok_and(|word| word != 0);
        // Asked first: whose switch it is may notice, and be gone the moment it is thrown.
        let was_armed = kill.get(&kill::ARMED, 0).is_ok_and(|word| word != 0);
        match kill.set(kill::THROWN, 1, 0) {
            Ok(()) => stopped += usize::from(was_armed && !was_thrown),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error).context("throwing a kill switch"),
        None => Ok(stopped),
    }
}

/// Whether the kernel doesn't let this process look, rather than something having gone.
fn is_refusal(error: &SyscallError) -> bool {
    error.io_error.kind() == std::io::ErrorKind::PermissionDenied
}

/// Keeps other probes of this host from choosing a line number, until it is dropped.
///
/// # Errors
/// Where /run can't be written.
pub fn line_lock() -> Result<Flock<File>> {
    const PATH: &str = "/run/probe.lock";
    let file = File::create(PATH).with_context(|| format!("creating {PATH}"))?;
    Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, error)| error)
        .with_context(|| format!("locking {PATH}"))
}

/// A line number that no injector of this host has; the lock must be held.
///
/// # Errors
/// Where all are taken, or the kernel's maps can't be looked at.
pub fn free_line() -> Result<u32> {
    let mut taken = [false; MAX_LINES as usize];
    for info in loaded_maps().filter_map(Result::ok) {
        if info.name_as_str() != Some(map::PLAN) {
            continue;
        }
        let header = array_by_id::<PlanHeader>(info.id()).and_then(|it| Ok(it.get(&0, 0)?));
        if let Ok(header) = header
            && header.abi == ABI_VERSION
            && header.line_claimed != 0
            && let Some(place) = taken.get_mut(header.line as usize)
        {
            *place = true;
        }
    }
    let free = taken
        .iter()
        .position(|taken| !taken)
        .map(|line| line as u32);
    free.with_context(|| {
        format!(
            "delay line: {MAX_LINES} others delay packets on this host already\n\
             hint: `probe status` tells whose they are"
        )
    })
}

/// Everything that is armed on the host.
///
/// # Errors
/// Without the privilege to look at the kernel's programs.
pub fn armed() -> Result<Vec<Armed>> {
    let mut all = Vec::new();
    for maps in injectors()? {
        if let Ok(Some(armed)) = armed_in(&maps)
            && armed.header.rule_count > 0
        {
            all.push(armed);
        }
    }
    Ok(all)
}

/// What every injector of the host notes of the packets it touches, by the number of its plan.
///
/// # Errors
/// Without the privilege to look at the kernel's programs.
pub(super) fn notes() -> Result<Vec<(u32, Notes)>> {
    let notes = injectors()?.into_iter().filter_map(|maps| {
        let plan = id_of(&maps, map::PLAN).ok()?;
        let header: PlanHeader = array_by_id(plan).ok()?.get(&0, 0).ok()?;
        if header.abi != ABI_VERSION || header.rule_count == 0 {
            return None;
        }
        let flows = MapData::from_id(id_of(&maps, map::FAULT_FLOWS).ok()?).ok()?;
        let rules = array_by_id::<FaultRule>(id_of(&maps, map::RULES).ok()?).ok()?;
        let notes = Notes {
            flows: Map::LruHashMap(flows).try_into().ok()?,
            rules: (0..header.rule_count)
                .filter_map(|index| rules.get(&index, 0).ok())
                .collect(),
        };
        Some((plan, notes))
    });
    Ok(notes.collect())
}

/// The numbers of each injector's maps.
fn injectors() -> Result<Vec<Vec<u32>>> {
    let mut all = Vec::new();
    for info in loaded_programs() {
        let info = match info {
            Ok(info) => info,
            Err(ProgramError::SyscallError(error)) if is_refusal(&error) => {
                return Err(error).context("looking for injectors");
            }
            // A program may go while the list is read.
            Err(_) => continue,
        };
        // The kernel keeps fifteen characters of a program's name.
        if info.name_as_str() == Some(&program::TC_EGRESS[..15])
            && let Ok(Some(maps)) = info.map_ids()
        {
            all.push(maps);
        }
    }
    Ok(all)
}

/// Reads one injector's maps; `None` where they are of another version.
fn armed_in(ids: &[u32]) -> Result<Option<Armed>> {
    let header: PlanHeader = array_by_id(id_of(ids, map::PLAN)?)?.get(&0, 0)?;
    if header.abi != ABI_VERSION {
        return Ok(None);
    }
    let killed: u32 = array_by_id(id_of(ids, map::KILL)?)?.get(&kill::THROWN, 0)?;
    let lease_until_ns = array_by_id(id_of(ids, map::LEASE)?)?.get(&0, 0)?;
    let rules = array_by_id::<FaultRule>(id_of(ids, map::RULES)?)?;
    let counters = Map::PerCpuArray(MapData::from_id(id_of(ids, map::RULE_COUNTERS)?)?);
    let counters: PerCpuArray<_, RuleCounters> = counters.try_into()?;
    let mut rules: Vec<_> = (0..header.rule_count)
        .map(|index| {
            let mut sum = RuleCounters::default();
            counters.get(&index, 0)?.iter().for_each(|cpu| sum.add(cpu));
            Ok(ArmedRule {
                rule: rules.get(&index, 0)?,
                counters: sum,
                endpoints: Vec::new(),
            })
        })
        .collect::<Result<_>>()?;
    add_endpoints(&mut rules, &header, id_of(ids, map::TARGETS)?)?;
    let command = process::command_name(header.owner_pid);
    Ok(Some(Armed {
        header,
        command,
        killed: killed != 0,
        lease_until_ns,
        rules,
    }))
}

/// Adds to each rule the endpoints that lead to it.
fn add_endpoints(rules: &mut [ArmedRule], header: &PlanHeader, targets: u32) -> Result<()> {
    let targets = Map::HashMap(MapData::from_id(targets)?);
    let targets: HashMap<_, EndpointKey, Target> = targets.try_into()?;
    let shapes = &header.shapes[..(header.shape_count as usize).min(header.shapes.len())];
    // An endpoint that goes while they are read is one that doesn't count any more.
    for (key, target) in targets.iter().filter_map(|entry| entry.ok()) {
        let Some(endpoint) = decode::endpoint(&key, shapes) else {
            continue;
        };
        for &index in target.rules.iter().take(target.count as usize) {
            if let Some(rule) = rules.get_mut(usize::from(index)) {
                rule.endpoints.push(endpoint);
            }
        }
    }
    // The map has them in no order.
    rules
        .iter_mut()
        .for_each(|rule| rule.endpoints.sort_by_key(|it| (it.address, it.port)));
    Ok(())
}

fn id_of(ids: &[u32], name: &str) -> Result<u32> {
    ids.iter()
        .copied()
        .find(|&id| {
            aya::maps::MapInfo::from_id(id).is_ok_and(|info| info.name_as_str() == Some(name))
        })
        .with_context(|| format!("an injector without {name}"))
}

fn array_by_id<V: Pod>(id: u32) -> Result<Array<MapData, V>> {
    Ok(Map::Array(MapData::from_id(id)?).try_into()?)
}
