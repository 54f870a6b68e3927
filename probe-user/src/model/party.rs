//! The parties of calls: dependencies, as one process calls them, and services, as they are
//! called.

use std::net::SocketAddr;

use probe_common::{event::ConnectEvent, flow::PeerKey};

use super::{history::History, socket_address};
use crate::protocol::{self, Protocol};

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
    pub connects: super::Histogram,
    /// Connections that were reset by the other side.
    pub resets: u64,
    /// Round-trip times of its connections, one at each answer.
    pub rtts: super::Histogram,
    /// Host that a TLS ClientHello asked for.
    pub server_name: Option<String>,
}

impl Party {
    /// Name of the wire protocol.
    pub fn protocol(&self) -> &'static str {
        self.protocol.unwrap_or(protocol::UNKNOWN)
    }

    /// Takes note of what was spoken, where that was understood.
    pub(super) fn speaks(&mut self, protocol: Protocol) {
        if protocol != Protocol::Unknown {
            self.protocol = Some(protocol.name());
        }
    }
}

/// A dependency as one process calls it.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Process id of the caller; 0 where it isn't known.
    pub pid: u32,
    /// Command name of the caller.
    pub service: String,
    /// Name from the scenario, else the address.
    pub name: String,
    /// Address and port that were seen first.
    pub remote: SocketAddr,
    /// Which peers of the kernel's maps it is made of.
    pub peers: Vec<PeerKey>,
    /// Its calls.
    pub party: Party,
}

impl Dependency {
    pub(super) fn new(peer: &PeerKey, remote: SocketAddr, name: String, service: String) -> Self {
        Self {
            pid: peer.pid,
            service,
            name,
            remote,
            peers: Vec::new(),
            party: Party::default(),
        }
    }
}

/// A service as it is called.
#[derive(Clone, Debug)]
pub struct Service {
    /// Port it listens on.
    pub port: u16,
    /// Cookie of its network namespace; 0 where it isn't known.
    pub netns_cookie: u64,
    /// Process id; 0 where it isn't known.
    pub pid: u32,
    /// Who it is.
    pub process: Process,
    /// Its calls.
    pub party: Party,
}

impl Service {
    pub(super) fn new(peer: &PeerKey) -> Self {
        Self {
            port: peer.port,
            netns_cookie: peer.netns_cookie,
            pid: 0,
            process: Process::default(),
            party: Party::default(),
        }
    }
}

/// The far side of a client's peer.
pub(super) fn remote_of(peer: &PeerKey) -> SocketAddr {
    socket_address(peer.address.octets, peer.port)
}
