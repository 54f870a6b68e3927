//! The parties of calls: dependencies, as one process calls them, and services, as they are
//! called.

use std::net::{IpAddr, SocketAddr};

use probe_common::{address::protocol, counters::PeerCounters, event::ConnectEvent, flow::PeerKey};

use super::{
    Call, Counted, Histogram, Outcome, WindowStats,
    container::Container,
    history::History,
    names::{Name, Source},
    socket_address,
};
use crate::protocol::{Protocol, UNKNOWN};

/// Who a process is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Command name.
    pub command: String,
    /// Path of its cgroup in the unified hierarchy; empty where it isn't known.
    pub cgroup: String,
}

impl Process {
    /// What the connect hook tells: the name of the thread that connected.
    pub fn from_connect(event: &ConnectEvent) -> Self {
        let end = event
            .comm
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(event.comm.len());
        Self {
            command: String::from_utf8_lossy(&event.comm[..end]).into_owned(),
            cgroup: String::new(),
        }
    }
}

impl Process {
    /// The container that it runs in.
    pub fn container(&self) -> Option<Container<'_>> {
        Container::at(&self.cgroup)
    }
}

/// Payload that went over the connections of a party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Segments that were sent again.
    pub retransmits: u64,
}

impl Traffic {
    /// As a peer's counters have it.
    pub(super) fn of(counters: &PeerCounters) -> Self {
        Self {
            bytes_out: counters.bytes_out,
            bytes_in: counters.bytes_in,
            retransmits: counters.retransmits,
        }
    }

    /// Adds that of others.
    pub fn add(&mut self, other: &Self) {
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
        self.retransmits += other.retransmits;
    }
}

/// What is kept of either kind.
#[derive(Clone, Debug, Default)]
pub struct Party {
    /// Calls by the time of their end.
    pub history: History,
    /// Calls waiting for an answer.
    pub in_flight: u32,
    /// The most that waited at once.
    pub in_flight_max: u32,
    /// Wire protocol, once recognised.
    pub protocol: Option<&'static str>,
    /// How long connecting took.
    pub connects: Histogram,
    /// Connections that were reset by the other side.
    pub resets: u64,
    /// Calls by how they ended, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; Outcome::ALL.len()],
    /// Answers by which the server said that it had too much to do: HTTP 429 and 503.
    pub shed: u64,
    /// Payload, as the kernel programs counted it.
    pub traffic: Traffic,
    /// Turns that agreed on a connection: the kernel programs count them as calls.
    pub agreed: u64,
    /// Round-trip times of its connections, one at each answer.
    pub rtts: Histogram,
    /// Host that a TLS ClientHello asked for.
    pub server_name: Option<String>,
    /// When it was last heard of.
    pub last_ns: u64,
    /// What the kernel programs counted of its peers, as far as it was read: of those whose slots
    /// were taken back, and at the end of all.
    pub counted: Counted,
}

impl Party {
    /// Name of the wire protocol.
    pub fn protocol(&self) -> &'static str {
        self.protocol.unwrap_or(UNKNOWN)
    }

    /// Takes note of what was spoken, where that was understood.
    pub(super) fn speaks(&mut self, protocol: Protocol) {
        if protocol != Protocol::Unknown {
            self.protocol = Some(protocol.name());
        }
    }

    /// Everything since the beginning.
    pub fn total(&self) -> &WindowStats {
        self.history.total()
    }

    /// Takes in how a call ended.
    pub(super) fn record(&mut self, call: &Call) {
        self.history.record(call);
        self.outcomes[call.outcome as usize] += 1;
        self.shed += u64::from(matches!(call.status, Some(429 | 503)));
    }

    /// Takes in all that was kept of another, which turned out to be the same.
    pub(super) fn absorb(&mut self, other: Self) {
        // Every field by name, so that a new one isn't forgotten here.
        let Self {
            history,
            in_flight,
            in_flight_max,
            protocol,
            connects,
            resets,
            outcomes,
            shed,
            traffic,
            agreed,
            rtts,
            server_name,
            last_ns,
            counted,
        } = other;
        self.history.merge(history);
        self.in_flight += in_flight;
        // Nobody knows when each had its most: this many there were at the least.
        self.in_flight_max = self.in_flight_max.max(in_flight_max).max(self.in_flight);
        self.protocol = self.protocol.or(protocol);
        self.connects.merge(&connects);
        self.resets += resets;
        let counts = self.outcomes.iter_mut().zip(outcomes);
        counts.for_each(|(own, other)| *own += other);
        self.shed += shed;
        self.traffic.add(&traffic);
        self.agreed += agreed;
        self.rtts.merge(&rtts);
        self.last_ns = self.last_ns.max(last_ns);
        self.counted.add(&counted);
        self.server_name = self.server_name.take().or(server_name);
    }
}

/// A dependency as one process calls it.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Process id of the caller; 0 where it isn't known.
    pub pid: u32,
    /// Command name of the caller.
    pub service: String,
    /// What it is called.
    pub name: String,
    /// Where that name is from.
    pub named: Source,
    /// Address and port that were seen first.
    pub remote: SocketAddr,
    /// Which peers of the kernel's maps it is made of.
    pub peers: Vec<PeerKey>,
    /// Its calls.
    pub party: Party,
    /// A number that stays with it, wherever in the list its place may be; from 1, never used
    /// again.
    pub number: u32,
    /// Numbers of those that turned out to be the same as it.
    pub was: Vec<u32>,
}

impl Dependency {
    pub(super) fn new(peer: &PeerKey, remote: SocketAddr, name: Name, service: String) -> Self {
        Self {
            pid: peer.pid,
            service,
            name: name.text,
            named: name.source,
            remote,
            peers: Vec::new(),
            party: Party::default(),
            number: 0,
            was: Vec::new(),
        }
    }

    /// Whether it is what a process calls at a far side of that name. A scenario's name may stand
    /// for several ports; what else has a name is one service at each port.
    pub(super) fn is(&self, peer: &PeerKey, name: &Name) -> bool {
        let same_port = name.source == Source::Scenario || self.remote.port() == peer.port;
        self.pid == peer.pid
            && self.name == name.text
            && same_port
            && self.transport_number() == peer.protocol
            && self.netns_cookie() == peer.netns_cookie
    }

    /// The far sides that it is made of, in the order in which they were seen.
    pub fn remotes(&self) -> Vec<SocketAddr> {
        let mut remotes: Vec<_> = Vec::new();
        for remote in self.peers.iter().map(remote_of) {
            if !remotes.contains(&remote) {
                remotes.push(remote);
            }
        }
        remotes
    }

    /// Cookie of the caller's network namespace; 0 where it isn't known.
    pub fn netns_cookie(&self) -> u64 {
        self.peers.first().map_or(0, |peer| peer.netns_cookie)
    }

    /// Id of the caller's cgroup; 0 where it isn't known.
    pub fn cgroup_id(&self) -> u64 {
        self.peers.first().map_or(0, |peer| peer.cgroup_id)
    }

    /// The transport protocol's name.
    pub fn transport(&self) -> &'static str {
        transport(self.transport_number())
    }

    fn transport_number(&self) -> u8 {
        let first = self.peers.first();
        first.map_or(protocol::TCP, |peer| peer.protocol)
    }

    /// Whether TLS told a name since it was named.
    pub(super) fn has_better_name(&self) -> bool {
        self.named > Source::ServerName && self.party.server_name.is_some()
    }

    /// Takes in another, which turned out to be the same.
    pub(super) fn absorb(&mut self, other: Self) {
        self.peers.extend(other.peers);
        self.party.absorb(other.party);
        self.was.push(other.number);
        self.was.extend(other.was);
    }
}

fn transport(number: u8) -> &'static str {
    match number {
        protocol::UDP => "udp",
        _ => "tcp",
    }
}

/// A service as it is called.
#[derive(Clone, Debug)]
pub struct Service {
    /// Port it listens on.
    pub port: u16,
    /// Cookie of its network namespace; 0 where it isn't known.
    pub netns_cookie: u64,
    /// Transport protocol number.
    pub transport: u8,
    /// Process id; 0 where it isn't known.
    pub pid: u32,
    /// Who it is.
    pub process: Process,
    /// Addresses at which it was reached, as far as that was seen.
    pub addresses: Vec<IpAddr>,
    /// Its calls.
    pub party: Party,
}

impl Service {
    pub(super) fn new(peer: &PeerKey) -> Self {
        Self {
            port: peer.port,
            netns_cookie: peer.netns_cookie,
            transport: peer.protocol,
            pid: 0,
            process: Process::default(),
            addresses: Vec::new(),
            party: Party::default(),
        }
    }
}

/// Addresses of a service that are kept.
const MOST_ADDRESSES: usize = 16;

impl Service {
    /// The transport protocol's name.
    pub fn transport(&self) -> &'static str {
        transport(self.transport)
    }

    /// Takes in that it was reached at an address.
    pub(super) fn is_reached_at(&mut self, address: IpAddr) {
        if self.addresses.len() < MOST_ADDRESSES && !self.addresses.contains(&address) {
            self.addresses.push(address);
        }
    }
}

/// The far side of a client's peer.
pub(super) fn remote_of(peer: &PeerKey) -> SocketAddr {
    socket_address(peer.address.octets, peer.port)
}
