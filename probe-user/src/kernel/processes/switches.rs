//! Whether a fault on processes still holds: the very words in the kernel that packets' faults go
//! by, read anew each time.

use std::fmt;

use anyhow::{Context, Result};
use aya::{
    Pod,
    maps::{Array, Map, MapData},
};
use probe_common::rule::{FaultRule, kill};

use super::{super::clock, MapIds};

/// Kill switch, lease, and each rule's own time.
pub(super) struct Switches {
    kill: Array<MapData, u32>,
    lease: Array<MapData, u64>,
    rules: Array<MapData, FaultRule>,
}

impl Switches {
    /// Opens an injector's.
    ///
    /// # Errors
    /// Where the maps aren't there any more.
    pub(super) fn open(ids: MapIds) -> Result<Self> {
        Ok(Self {
            kill: array(ids.kill)?,
            lease: array(ids.lease)?,
            rules: array(ids.rules)?,
        })
    }

    /// Whether the kill switch is thrown or the lease has lapsed. What can't be read is over.
    pub(super) fn are_over(&self) -> bool {
        let armed = self
            .kill
            .get(&kill::THROWN, 0)
            .is_ok_and(|switch| switch == 0);
        let leased = self
            .lease
            .get(&0, 0)
            .is_ok_and(|until_ns| clock::now_ns() < until_ns);
        !(armed && leased)
    }

    /// Whether the time of a fault is over.
    pub(super) fn is_over(&self, rule: u32) -> bool {
        let rule = self.rules.get(&rule, 0);
        !rule.is_ok_and(|rule| clock::now_ns() < rule.deadline_ns)
    }
}

impl fmt::Debug for Switches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switches").finish_non_exhaustive()
    }
}

fn array<V: Pod>(id: u32) -> Result<Array<MapData, V>> {
    let data = MapData::from_id(id).with_context(|| format!("processes: opening map {id}"))?;
    Ok(Map::Array(data).try_into()?)
}
