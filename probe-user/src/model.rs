//! What was observed, as calls between services and dependencies over time.
//!
//! Pure: facts go in with their time, statistics over any span of time come out. Nothing here
//! reads a clock, a file or the kernel.

pub mod accounts;
pub mod bounds;
pub mod call;
mod calls;
pub mod container;
pub mod histogram;
pub mod history;
pub mod hosts;
pub mod ledger;
pub mod listener;
pub mod names;
mod naming;
mod overheard;
pub mod party;
mod recent;
pub mod scope;
mod streams;
pub mod undeclared;
pub mod window;

use std::{collections::HashMap, net::SocketAddr};

use foldhash::fast::FixedState;
use probe_common::{
    connection::End,
    event::Event,
    flow::{PeerKey, role},
    gauge::Gauge,
};

pub use accounts::{Accounts, Counted, Events, Flows, Forgotten};
pub use call::{Call, Outcome};
pub use histogram::Histogram;
pub use names::Names;
pub use party::{Dependency, Party, Process, Service, Traffic};
pub use scope::Scope;
pub use undeclared::Undeclared;
pub use window::WindowStats;

use calls::Calls;
use ledger::{Ledger, Spell, Wire};

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
    forgotten: Forgotten,
    /// How many dependencies there ever were.
    numbered: u32,
    /// The time of the last event.
    now_ns: u64,
    /// What ended before isn't remembered by its time.
    remembered_from_ns: u64,
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

    /// Takes in the ends of a connection that was there before anything was observed: no event
    /// tells them, and faults know its packets by them.
    pub fn was_there(&mut self, cookie: u64, near: &End, far: &End) {
        self.calls.was_there(cookie, Wire::flows(near, far));
    }

    /// Has it look for faults that were armed since.
    pub fn refresh_ledger(&mut self) {
        if let Some(ledger) = &mut self.calls.ledger {
            ledger.refresh();
        }
    }

    /// What the fault is called that a call was in; `None` where it was in none.
    pub fn fault_name(&self, call: &Call) -> Option<&str> {
        self.calls.ledger.as_ref()?.name(call.fault)
    }

    /// When which faults were armed, as far as somebody knows.
    pub fn spells(&self) -> &[Spell] {
        self.calls.ledger.as_ref().map_or(&[], |it| it.spells())
    }

    /// Takes in one event about a peer; gives the call that ended with it, if one did;
    /// [`Model::ended_as_well`] gives the others, where there are any.
    pub fn observe(&mut self, event: &Event<'_>, peer: Option<&PeerKey>) -> Option<Call> {
        self.now_ns = self.now_ns.max(event.header().at_ns);
        if let Event::Message(message) = event {
            self.overhear(message.bytes, message.head.header.at_ns);
            return None;
        }
        let peer = peer?;
        if let Event::Connect(connect) = event {
            self.make_room_for_process();
            self.processes
                .entry(connect.pid)
                .or_insert_with(|| Process::from_connect(connect));
        }
        let index = self.party_of(peer)?;
        if let (PartyIndex::Service(at), Event::Established(it)) = (index, event) {
            self.services[at].is_reached_at(socket_address(it.local.octets, 0).ip());
        }
        let party = party_at(&mut self.dependencies, &mut self.services, index);
        party.last_ns = event.header().at_ns;
        let call = self.calls.follow(event, party, index);
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

    /// Whether anything of a peer is taken in; where nobody knows yet, it is.
    pub fn wants(&self, peer: &PeerKey) -> bool {
        self.parties.get(peer).is_none_or(Option::is_some)
    }

    /// The next of the calls that ended with the same event: a connection may take several along.
    pub fn ended_as_well(&mut self) -> Option<Call> {
        self.calls.ended_as_well()
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

    /// Takes in what the kernel programs counted of each peer's payload, as far as it still has a
    /// slot.
    pub fn count_traffic(&mut self, counted: &[(PeerKey, Counted)]) {
        let dependencies = self.dependencies.iter_mut().map(|it| &mut it.party);
        let services = self.services.iter_mut().map(|it| &mut it.party);
        dependencies
            .chain(services)
            .for_each(|party| party.traffic = Traffic::of(&party.counted.counters));
        for (peer, counted) in counted {
            if let Some(&Some(index)) = self.parties.get(peer) {
                let party = party_at(&mut self.dependencies, &mut self.services, index);
                party.traffic.add(&Traffic::of(&counted.counters));
            }
        }
    }

    fn party_of(&mut self, peer: &PeerKey) -> Option<PartyIndex> {
        if let Some(&known) = self.parties.get(peer) {
            return known;
        }
        self.make_room_for_peer();
        let index = self.new_party(peer);
        self.parties.insert(*peer, index);
        index
    }

    fn new_party(&mut self, peer: &PeerKey) -> Option<PartyIndex> {
        if !self.scope.covers(peer) {
            return None;
        }
        if peer.role == role::SERVER {
            return Some(PartyIndex::Service(self.service_of(peer)));
        }
        let remote = party::remote_of(peer);
        let name = self.names.of(remote, None);
        let process = self.processes.get(&peer.pid);
        if !self.scope.covers_caller(process) || !self.scope.covers_remote(remote) {
            return None;
        }
        let known = self.dependencies.iter().position(|it| it.is(peer, &name));
        let command = process.map_or_else(String::new, |it| it.command.clone());
        let index = known
            .unwrap_or_else(|| self.add_dependency(Dependency::new(peer, remote, name, command)));
        let peers = &mut self.dependencies[index].peers;
        if !peers.contains(peer) {
            peers.push(*peer);
        }
        Some(PartyIndex::Dependency(index))
    }

    fn service_of(&mut self, peer: &PeerKey) -> usize {
        let same = |it: &Service| {
            it.port == peer.port
                && it.netns_cookie == peer.netns_cookie
                && it.transport == peer.protocol
        };
        let known = self.services.iter().position(same);
        known.unwrap_or_else(|| self.add_service(Service::new(peer)))
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
