//! The last calls to each dependency, one by one, for the details on the dashboard.

use std::collections::{HashMap, VecDeque};

use crate::{
    model::{Call, Model, PartyIndex, ledger::FaultId},
    snapshot::CallView,
};

/// Calls of one dependency that are kept.
const KEPT: usize = 24;
/// Dependencies whose calls are kept; beyond, all begin anew.
const MOST: usize = 4_096;

/// By the dependency's number.
#[derive(Debug, Default)]
pub struct LastCalls {
    calls: HashMap<u32, VecDeque<CallView>>,
}

impl LastCalls {
    /// Takes in a call that ended.
    pub fn take(&mut self, call: &Call, model: &Model, started_ns: u64) {
        let Some(PartyIndex::Dependency(at)) = call.party else {
            return;
        };
        let Some(dependency) = model.dependencies().get(at) else {
            return;
        };
        if self.calls.len() >= MOST && !self.calls.contains_key(&dependency.number) {
            self.calls.clear();
        }
        let calls = self.calls.entry(dependency.number).or_default();
        if calls.len() >= KEPT {
            calls.pop_front();
        }
        calls.push_back(CallView {
            at_ms: call.ended_ns.saturating_sub(started_ns) / 1_000_000,
            outcome: call.outcome,
            status: call.status,
            waited_us: call.waited_ns / 1_000,
            number: call.number,
            faulted: call.fault != FaultId::NONE,
        });
    }

    /// Those of one dependency, oldest first: what is new at its end is little to write down.
    pub fn of(&self, dependency: u32) -> Vec<CallView> {
        let calls = self.calls.get(&dependency);
        calls.map_or_else(Vec::new, |calls| calls.iter().copied().collect())
    }
}
