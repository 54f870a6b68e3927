//! An injector's maps by name.

use anyhow::{Context, Result};
use aya::{
    Ebpf, Pod,
    maps::{Array, MapData, PerCpuArray},
};
use probe_common::names::map;

use super::Injector;
use crate::kernel::object;

impl Injector {
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

    /// The kill switch once more, for another thread to look at.
    pub(super) fn kill_switch(&self) -> Result<Array<MapData, u32>> {
        let Some(aya::maps::Map::Array(data)) = self.ebpf().map(map::KILL) else {
            anyhow::bail!("the kill switch is not in the object");
        };
        let again = MapData::from_id(data.info()?.id())?;
        Ok(aya::maps::Map::Array(again).try_into()?)
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        self.set(map::KILL, 1u32)
    }

    pub(super) fn set<V: Pod>(&mut self, name: &str, value: V) -> Result<()> {
        self.set_at(name, 0, value)
    }

    pub(super) fn set_at<V: Pod>(&mut self, name: &str, index: u32, value: V) -> Result<()> {
        let mut values: Array<_, V> = self.map_mut(name)?.try_into()?;
        values
            .set(index, value, 0)
            .with_context(|| format!("writing {name}"))
    }

    pub(super) fn per_cpu<V: Pod>(&self, name: &str) -> Result<PerCpuArray<&MapData, V>> {
        let map = self
            .ebpf()
            .map(name)
            .with_context(|| format!("{name} is not in the object"))?;
        let aya::maps::Map::PerCpuArray(_) = map else {
            anyhow::bail!("{name} is not a per-CPU array");
        };
        Ok(PerCpuArray::try_from(map)?)
    }

    pub(super) fn map_mut(&mut self, name: &str) -> Result<&mut aya::maps::Map> {
        self.ebpf_mut()
            .map_mut(name)
            .with_context(|| format!("{name} is not in the object"))
    }

    pub(super) fn ebpf(&self) -> &Ebpf {
        self.ebpf
            .as_ref()
            .expect("it is taken only when this is dropped")
    }

    pub(super) fn ebpf_mut(&mut self) -> &mut Ebpf {
        self.ebpf
            .as_mut()
            .expect("it is taken only when this is dropped")
    }
}

pub(super) fn array<V: Pod>(ebpf: &mut Ebpf, name: &str) -> Result<Array<MapData, V>> {
    Ok(object::take_map(ebpf, name)?.try_into()?)
}
