//! The injector's maps that faults on processes go by, found through its programs: others have
//! taken the maps themselves.

use std::fmt;

use anyhow::{Context, Result};
use aya::{
    Ebpf,
    maps::{Map, MapData, MapInfo, PerCpuArray, PerCpuValues},
};
use probe_common::{
    counters::RuleCounters,
    names::{map, program},
};

/// The kernel's ids of the maps that say whether a fault still holds.
#[derive(Clone, Copy, Debug)]
pub struct MapIds {
    /// The kill switch.
    pub kill: u32,
    /// The lease.
    pub lease: u32,
    /// The rules.
    pub rules: u32,
}

/// Finds them.
///
/// # Errors
/// Where the kernel doesn't tell.
pub(super) fn of(ebpf: &Ebpf) -> Result<(MapIds, Counters)> {
    let maps = maps_of(ebpf)?;
    let ids = MapIds {
        kill: id_of(&maps, map::KILL)?,
        lease: id_of(&maps, map::LEASE)?,
        rules: id_of(&maps, map::RULES)?,
    };
    let counters = MapData::from_id(id_of(&maps, map::RULE_COUNTERS)?)?;
    Ok((ids, Counters(Map::PerCpuArray(counters).try_into()?)))
}

/// The rules' counters, in the kernel, where also `probe status` finds them.
pub(super) struct Counters(PerCpuArray<MapData, RuleCounters>);

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters").finish_non_exhaustive()
    }
}

impl Counters {
    /// Writes those of a rule, in place of what was there.
    pub(super) fn write(&mut self, rule: u32, counters: &RuleCounters) -> Result<()> {
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| error)?;
        let mut values = vec![RuleCounters::default(); cpus];
        values[0] = *counters;
        let values = PerCpuValues::try_from(values)?;
        self.0.set(rule, values, 0).context("counting processes")
    }
}

/// Ids of the maps that the injector's programs have.
fn maps_of(ebpf: &Ebpf) -> Result<Vec<u32>> {
    let name = program::TC_EGRESS;
    let program: &aya::programs::SchedClassifier = ebpf
        .program(name)
        .with_context(|| format!("{name} is not in the object"))?
        .try_into()?;
    let ids = program.info()?.map_ids()?;
    ids.context("the kernel doesn't tell a program's maps")
}

fn id_of(ids: &[u32], name: &str) -> Result<u32> {
    let is_it = |id: &u32| MapInfo::from_id(*id).is_ok_and(|it| it.name_as_str() == Some(name));
    ids.iter()
        .copied()
        .find(is_it)
        .with_context(|| format!("an injector without {name}"))
}
