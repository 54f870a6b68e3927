//! The memory a model may take: how many parties, processes and calls by their time it keeps, and
//! what goes first where there are more. What went is counted.

use probe_common::flow::PeerKey;

use super::{Counted, Dependency, Forgotten, Model, Party, PartyIndex, Service, history::SLICE_NS};

/// Dependencies at once, and services.
const MOST_PARTIES: usize = 4_096;
/// Processes whose names are kept.
const MOST_PROCESSES: usize = 4_096;
/// Peers that are known to be of a party, or of none.
const MOST_PEERS: usize = 16_384;
/// Slices of a tenth of a second, of all parties together: some 30 MB of them.
const MOST_SLICES: usize = 150_000;

impl Model {
    /// What was forgotten so that memory stays bounded.
    pub fn forgotten(&self) -> Forgotten {
        self.forgotten
    }

    /// Adds what a peer had counted whose slot was taken back.
    pub fn fold(&mut self, peer: &PeerKey, counted: &Counted) {
        if let Some(index) = self.party_of(peer) {
            self.party_mut(index).counted.add(counted);
        }
        // It will be known again by its name should it come back.
        self.forget_peer(peer);
    }

    /// Adds what the peers have counted that still have a slot; where events were lost, totals
    /// are taken from that. To be done once, at the end.
    pub fn settle(&mut self, counted: &[(PeerKey, Counted)], events_were_lost: bool) {
        for (peer, counted) in counted {
            if let Some(index) = self.party_of(peer) {
                self.party_mut(index).counted.add(counted);
            }
        }
        if events_were_lost {
            let dependencies = self.dependencies.iter_mut().map(|it| &mut it.party);
            let services = self.services.iter_mut().map(|it| &mut it.party);
            for party in dependencies.chain(services) {
                party.history.replace_total(&party.counted, party.agreed);
            }
        }
    }

    /// Forgets what ended before a time; totals stay. Forgets more, the oldest first, where there
    /// is too much of it.
    pub fn forget_before(&mut self, ns: u64) {
        self.forget_calls_before(ns);
        let slices: usize = self.histories().map(|it| it.history.slices()).sum();
        if slices <= MOST_SLICES {
            return;
        }
        // An eighth of the span each time, so that it isn't done every time.
        let newest = self.histories().map(|it| it.last_ns).max().unwrap_or(0);
        let oldest = self.remembered_from_ns.max(ns);
        let from = oldest + (newest.saturating_sub(oldest) / 8).max(SLICE_NS);
        self.forgotten.calls += self.forget_calls_before(from);
    }

    fn forget_calls_before(&mut self, ns: u64) -> u64 {
        self.remembered_from_ns = self.remembered_from_ns.max(ns);
        let dependencies = self.dependencies.iter_mut().map(|it| &mut it.party);
        let services = self.services.iter_mut().map(|it| &mut it.party);
        let parties = dependencies.chain(services);
        parties.map(|it| it.history.forget_before(ns)).sum()
    }

    fn histories(&self) -> impl Iterator<Item = &Party> {
        let dependencies = self.dependencies.iter().map(|it| &it.party);
        dependencies.chain(self.services.iter().map(|it| &it.party))
    }

    fn party_mut(&mut self, index: PartyIndex) -> &mut Party {
        match index {
            PartyIndex::Dependency(index) => &mut self.dependencies[index].party,
            PartyIndex::Service(index) => &mut self.services[index].party,
        }
    }

    /// Adds a dependency, in the place of the one idle longest where there are too many; gives
    /// its place.
    pub(super) fn add_dependency(&mut self, new: Dependency) -> usize {
        self.numbered += 1;
        let new = Dependency {
            number: self.numbered,
            ..new
        };
        if self.dependencies.len() < MOST_PARTIES {
            self.dependencies.push(new);
            return self.dependencies.len() - 1;
        }
        let index = longest_idle(self.dependencies.iter().map(|it| &it.party));
        let old = std::mem::replace(&mut self.dependencies[index], new);
        self.count_forgotten(PartyIndex::Dependency(index), &old.party);
        index
    }

    /// The same for a service.
    pub(super) fn add_service(&mut self, new: Service) -> usize {
        if self.services.len() < MOST_PARTIES {
            self.services.push(new);
            return self.services.len() - 1;
        }
        let index = longest_idle(self.services.iter().map(|it| &it.party));
        let old = std::mem::replace(&mut self.services[index], new);
        self.count_forgotten(PartyIndex::Service(index), &old.party);
        index
    }

    fn count_forgotten(&mut self, index: PartyIndex, party: &Party) {
        self.forgotten.parties += 1;
        self.forgotten.party_calls += party.history.total().calls;
        self.parties.retain(|_, it| *it != Some(index));
    }

    fn forget_peer(&mut self, peer: &PeerKey) {
        if let Some(Some(PartyIndex::Dependency(index))) = self.parties.remove(peer) {
            // The last one stays: it tells what kind of far side it is.
            let peers = &mut self.dependencies[index].peers;
            if peers.len() > 1 {
                peers.retain(|it| it != peer);
            }
        }
    }

    /// Peers are forgotten with their slots; of those out of scope, and where an end was missed,
    /// all are known again by their next event.
    pub(super) fn make_room_for_peer(&mut self) {
        if self.parties.len() >= MOST_PEERS {
            self.parties.clear();
            let dependencies = self.dependencies.iter_mut();
            dependencies.for_each(|it| it.peers.truncate(1));
        }
    }

    /// Processes that call nothing that is kept are forgotten first; should that not do, all are:
    /// those that still call are named anew.
    pub(super) fn make_room_for_process(&mut self) {
        if self.processes.len() < MOST_PROCESSES {
            return;
        }
        let callers: std::collections::HashSet<u32> =
            self.dependencies.iter().map(|it| it.pid).collect();
        self.processes.retain(|pid, _| callers.contains(pid));
        if self.processes.len() >= MOST_PROCESSES {
            self.processes.clear();
        }
    }
}

/// Which party was last heard of before all others; one with calls under way only if all have.
fn longest_idle<'a>(parties: impl Iterator<Item = &'a Party>) -> usize {
    let idle = parties
        .enumerate()
        .min_by_key(|(_, it)| (it.in_flight > 0, it.last_ns));
    idle.map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests;
