//! What was observed, as calls between services and dependencies over time.
//!
//! Pure: facts go in with their time, statistics over any span of time come out. Nothing here
//! reads a clock, a file or the kernel.

pub mod calls;
pub mod container;
pub mod histogram;
pub mod history;
pub mod hosts;
pub mod listener;
pub mod names;
mod naming;
pub mod party;
pub mod scope;
pub mod undeclared;
pub mod window;

use std::{collections::HashMap, net::SocketAddr};

use probe_common::{
    counters::PeerCounters,
    event::Event,
    flow::{PeerKey, role},
};

pub use calls::{Call, Outcome};
pub use histogram::Histogram;
pub use names::Names;
pub use party::{Dependency, Party, Process, Service, Traffic};
pub use scope::Scope;
pub use undeclared::Undeclared;
pub use window::WindowStats;

use calls::Calls;

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
    parties: HashMap<PeerKey, Option<PartyIndex>>,
    /// The time of the last event.
    now_ns: u64,
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

    /// Takes in one event about a peer; gives the call that ended with it, if one did.
    pub fn observe(&mut self, event: &Event, peer: Option<&PeerKey>) -> Option<Call> {
        let peer = peer?;
        if let Event::Connect(connect) = event {
            self.processes
                .entry(connect.pid)
                .or_insert_with(|| Process::from_connect(connect));
        }
        self.now_ns = self.now_ns.max(event.header().at_ns);
        let index = self.party_of(peer)?;
        let party = match index {
            PartyIndex::Dependency(index) => &mut self.dependencies[index].party,
            PartyIndex::Service(index) => {
                let service = &mut self.services[index];
                if let Event::Established(it) = event {
                    service.is_reached_at(socket_address(it.local.octets, 0).ip());
                }
                &mut service.party
            }
        };
        let call = self.calls.follow(event, party);
        if let Some(call) = &call {
            party.note(call);
        }
        let party = match index {
            PartyIndex::Dependency(at) if self.dependencies[at].has_better_name() => {
                self.name_anew(at)
            }
            index => index,
        };
        Some(Call {
            party: Some(party),
            ..call?
        })
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

    /// Services that fit what was asked for, as far as that is known of them.
    pub fn services_in_scope(&self) -> impl Iterator<Item = &Service> {
        let services = self.services.iter();
        services.filter(|it| self.scope.is_the_service(it))
    }

    /// Whether a port that nobody called is in scope.
    pub fn covers(&self, listener: &listener::Listener) -> bool {
        self.scope.covers_listener(listener)
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
        sum(self.services_in_scope().map(|it| &it.party), from_ns, to_ns)
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

    /// Takes in what the kernel programs counted of each peer's payload.
    pub fn count_traffic(&mut self, counted: &[(PeerKey, PeerCounters)]) {
        let dependencies = self.dependencies.iter_mut().map(|it| &mut it.party);
        let services = self.services.iter_mut().map(|it| &mut it.party);
        dependencies
            .chain(services)
            .for_each(|party| party.traffic = Traffic::default());
        for (peer, counters) in counted {
            let party = match self.parties.get(peer) {
                Some(Some(PartyIndex::Dependency(index))) => &mut self.dependencies[*index].party,
                Some(Some(PartyIndex::Service(index))) => &mut self.services[*index].party,
                _ => continue,
            };
            party.traffic.add(&Traffic {
                bytes_out: counters.bytes_out,
                bytes_in: counters.bytes_in,
                retransmits: counters.retransmits,
            });
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
        let name = self.names.of(remote, None);
        let process = self.processes.get(&peer.pid);
        if !self.scope.covers_caller(process) || !self.scope.covers_remote(remote) {
            return None;
        }
        let known = self.dependencies.iter().position(|it| it.is(peer, &name));
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
