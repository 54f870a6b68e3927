//! What was observed, as calls between services and dependencies over time.
//!
//! Pure: facts go in with their time, statistics over any span of time come out. Nothing here
//! reads a clock, a file or the kernel.

pub mod call;
mod calls;
pub mod histogram;
pub mod history;
pub mod ledger;
pub mod party;
mod recent;
pub mod scope;
pub mod window;

use std::{collections::HashMap, net::SocketAddr};

use foldhash::fast::FixedState;
use probe_common::{
    event::Event,
    flow::{PeerKey, role},
    gauge::Gauge,
};

pub use call::{Call, Outcome};
pub use histogram::Histogram;
pub use party::{Dependency, Party, Process, Service};
pub use scope::{Names, Scope};
pub use window::WindowStats;

use calls::Calls;
use ledger::Ledger;

/// Everything observed so far, of what is in scope.
#[derive(Debug, Default)]
pub struct Model {
    scope: Scope,
    names: Names,
    calls: Calls,
    processes: HashMap<u32, Process>,
    dependencies: Vec<Dependency>,
    services: Vec<Service>,
    /// Which party a peer is; `None` for one out of scope.
    parties: HashMap<PeerKey, Option<PartyIndex>, FixedState>,
}

/// Which party of a model a call belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartyIndex {
    /// A dependency, by its place in [`Model::dependencies`].
    Dependency(usize),
    /// A service, by its place in [`Model::services`].
    Service(usize),
}

impl Model {
    /// An empty model.
    pub fn new(scope: Scope, names: Names) -> Self {
        Self {
            scope,
            names,
            ..Self::default()
        }
    }

    /// Asks somebody from now on which fault a call was in.
    pub fn set_ledger(&mut self, ledger: Box<dyn Ledger>) {
        self.calls.ledger = Some(ledger);
    }

    /// What the fault is called that a call was in; `None` where it was in none.
    pub fn fault_name(&self, call: &Call) -> Option<&str> {
        self.calls.ledger.as_ref()?.name(call.fault)
    }

    /// Takes in one event about a peer; gives the call that ended with it, if one did.
    pub fn observe(&mut self, event: &Event, peer: Option<&PeerKey>) -> Option<Call> {
        let peer = peer?;
        if let Event::Connect(connect) = event {
            self.processes
                .entry(connect.pid)
                .or_insert_with(|| Process::from_connect(connect));
        }
        let index = self.party_of(peer)?;
        let party = party_at(&mut self.dependencies, &mut self.services, index);
        let call = self.calls.follow(event, party)?;
        Some(Call {
            party: Some(index),
            ..call
        })
    }

    /// Takes in how many requests wait, as the kernel programs count them: all peers at once.
    pub fn set_in_flight(&mut self, gauges: &[(PeerKey, Gauge)]) {
        let dependencies = self.dependencies.iter_mut().map(|it| &mut it.party);
        let parties = dependencies.chain(self.services.iter_mut().map(|it| &mut it.party));
        parties.for_each(|party| party.in_flight = 0);
        for (peer, gauge) in gauges {
            let Some(&Some(index)) = self.parties.get(peer) else {
                continue;
            };
            let party = party_at(&mut self.dependencies, &mut self.services, index);
            // Of several peers the sum is known at this moment only, of each alone the most ever.
            party.in_flight += u32::try_from(gauge.in_flight).unwrap_or(0);
            let most = u32::try_from(gauge.most).unwrap_or(u32::MAX);
            party.in_flight_max = party.in_flight_max.max(party.in_flight).max(most);
        }
    }

    /// Tells who a process is, in better words than the connect hook has.
    pub fn name_process(&mut self, pid: u32, process: Process) {
        for dependency in self.dependencies.iter_mut().filter(|it| it.pid == pid) {
            dependency.service.clone_from(&process.command);
        }
        self.processes.insert(pid, process);
    }

    /// Who a process is.
    pub fn process(&self, pid: u32) -> Option<&Process> {
        self.processes.get(&pid)
    }

    /// Tells who serves a port.
    pub fn name_service(&mut self, netns_cookie: u64, port: u16, pid: u32, process: Process) {
        for service in &mut self.services {
            if service.netns_cookie == netns_cookie && service.port == port {
                service.pid = pid;
                service.process = process.clone();
            }
        }
    }

    /// Dependencies in the order in which they were first seen.
    pub fn dependencies(&self) -> &[Dependency] {
        &self.dependencies
    }

    /// Services in the order in which they were first seen.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Calls of every dependency of a name, ended in `[from_ns, to_ns)`.
    pub fn dependency(&self, name: &str, from_ns: u64, to_ns: u64) -> WindowStats {
        let parties = self
            .dependencies
            .iter()
            .filter(|it| it.name == name)
            .map(|it| &it.party);
        sum(parties, from_ns, to_ns)
    }

    /// Inbound calls of the services that the scope names, ended in `[from_ns, to_ns)`.
    pub fn service(&self, from_ns: u64, to_ns: u64) -> WindowStats {
        let parties = self
            .services
            .iter()
            .filter(|it| self.scope.is_the_service(it))
            .map(|it| &it.party);
        sum(parties, from_ns, to_ns)
    }

    /// Replaces what events told of latencies by what the kernel programs counted, which is
    /// complete also where events were lost.
    pub fn replace_latencies(&mut self, counted: &[(PeerKey, Histogram)]) {
        for dependency in &mut self.dependencies {
            let mut latency = Histogram::default();
            let own = counted
                .iter()
                .filter(|(peer, _)| dependency.peers.contains(peer));
            own.for_each(|(_, histogram)| latency.merge(histogram));
            dependency.party.history.replace_latency(latency);
        }
    }

    /// Forgets what ended before a time; totals stay.
    pub fn forget_before(&mut self, ns: u64) {
        for dependency in &mut self.dependencies {
            dependency.party.history.forget_before(ns);
        }
        for service in &mut self.services {
            service.party.history.forget_before(ns);
        }
    }

    fn party_of(&mut self, peer: &PeerKey) -> Option<PartyIndex> {
        if let Some(&known) = self.parties.get(peer) {
            return known;
        }
        let index = self.new_party(peer);
        self.parties.insert(*peer, index);
        index
    }

    fn new_party(&mut self, peer: &PeerKey) -> Option<PartyIndex> {
        if !self.scope.covers(peer) {
            return None;
        }
        if peer.role == role::SERVER {
            self.services.push(Service::new(peer));
            return Some(PartyIndex::Service(self.services.len() - 1));
        }
        let remote = party::remote_of(peer);
        let name = self
            .names
            .of(remote)
            .map_or_else(|| remote.to_string(), str::to_owned);
        let process = self.processes.get(&peer.pid);
        if !self.scope.covers_caller(process) || !self.scope.covers_remote(remote) {
            return None;
        }
        let same = |it: &Dependency| it.pid == peer.pid && it.name == name;
        let known = self.dependencies.iter().position(same);
        let index = known.unwrap_or_else(|| {
            let command = process.map_or_else(String::new, |it| it.command.clone());
            self.dependencies
                .push(Dependency::new(peer, remote, name, command));
            self.dependencies.len() - 1
        });
        self.dependencies[index].peers.push(*peer);
        Some(PartyIndex::Dependency(index))
    }
}

fn party_at<'a>(
    dependencies: &'a mut [Dependency],
    services: &'a mut [Service],
    index: PartyIndex,
) -> &'a mut Party {
    match index {
        PartyIndex::Dependency(index) => &mut dependencies[index].party,
        PartyIndex::Service(index) => &mut services[index].party,
    }
}

fn sum<'a>(parties: impl Iterator<Item = &'a Party>, from_ns: u64, to_ns: u64) -> WindowStats {
    let mut sum = WindowStats::default();
    parties.for_each(|party| sum.merge(&party.history.window(from_ns, to_ns)));
    sum.span_ms = to_ns.saturating_sub(from_ns) / 1_000_000;
    sum
}

/// An address and port, IPv4 where it is one.
pub(crate) fn socket_address(octets: [u8; 16], port: u16) -> SocketAddr {
    let v6 = std::net::Ipv6Addr::from(octets);
    match v6.to_ipv4_mapped() {
        Some(v4) => (v4, port).into(),
        None => (v6, port).into(),
    }
}

#[cfg(test)]
mod tests;
