//! What no fault touches: the list, as it was found and as the user changed it.
//! `protection/encode.rs` turns it into the entries of the kernel's maps.

use std::{collections::BTreeSet, fmt, net::SocketAddr, str::FromStr};

use crate::endpoint::EndpointSpec;
use crate::mistake::Mistake;
use crate::plan::Endpoint;

pub mod encode;

/// The port that SSH has unless somebody gave it another.
pub const SSH_PORT: u16 = 22;

/// A TCP connection that belongs to the session probe was started in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    /// This host's end.
    pub near: SocketAddr,
    /// The other end.
    pub far: SocketAddr,
}

impl Connection {
    /// With IPv4 addresses written as such.
    pub fn new(near: SocketAddr, far: SocketAddr) -> Self {
        let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        Self {
            near: canonical(near),
            far: canonical(far),
        }
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {}", self.near, self.far)
    }
}

/// What the session that probe was started in hangs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// Ports that it was served on.
    pub ports: BTreeSet<u16>,
    /// Its connections.
    pub connections: BTreeSet<Connection>,
}

/// Something that can be taken off the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// The ports of SSH.
    Ssh,
    /// The connections of the session that probe was started in.
    Session,
    /// IPv6 neighbour discovery.
    NeighbourDiscovery,
    /// DHCP.
    Dhcp,
    /// An endpoint that is on the list.
    Endpoint(EndpointSpec),
}

impl FromStr for Thing {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        Ok(match text.trim() {
            "ssh" => Self::Ssh,
            "session" => Self::Session,
            "nd" => Self::NeighbourDiscovery,
            "dhcp" => Self::Dhcp,
            "arp" => {
                return Err(Mistake::new("arp can't be taken off the list")
                    .hint("faults hold for IP packets only"));
            }
            text => Self::Endpoint(text.parse()?),
        })
    }
}

/// What the user wants on the list and off it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// To be added.
    pub protect: Vec<EndpointSpec>,
    /// To be taken off.
    pub unprotect: Vec<Thing>,
}

/// The list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeverFaulted {
    /// The session that probe was started in; port 22 is always among its ports.
    pub login: Login,
    /// IPv6 neighbour discovery.
    pub neighbour_discovery: bool,
    /// DHCP.
    pub dhcp: bool,
    /// What the user added.
    pub endpoints: Vec<Endpoint>,
}

impl NeverFaulted {
    /// The list as it is unless the user changes it.
    pub fn of(mut login: Login) -> Self {
        login.ports.insert(SSH_PORT);
        Self {
            login,
            neighbour_discovery: true,
            dhcp: true,
            endpoints: Vec::new(),
        }
    }

    /// Puts endpoints on it.
    pub fn add(&mut self, endpoints: impl IntoIterator<Item = Endpoint>) {
        for endpoint in endpoints {
            if !self.endpoints.contains(&endpoint) {
                self.endpoints.push(endpoint);
            }
        }
    }

    /// Takes a thing off it; `endpoints` is what an endpoint resolves to.
    ///
    /// # Errors
    /// Where an endpoint isn't on it: what was meant to be faulted would not be.
    pub fn take_off(&mut self, thing: &Thing, endpoints: &[Endpoint]) -> Result<(), Mistake> {
        match thing {
            Thing::Ssh => self.login.ports.clear(),
            Thing::Session => self.login.connections.clear(),
            Thing::NeighbourDiscovery => self.neighbour_discovery = false,
            Thing::Dhcp => self.dhcp = false,
            Thing::Endpoint(spec) => {
                // Each of them, so no short cut.
                let taken = endpoints.iter().filter(|it| self.take_off_endpoint(it));
                if taken.count() == 0 {
                    return Err(Mistake::new(format!(
                        "--unprotect: {spec} is not on the list of what is never faulted"
                    ))
                    .hint(format!(
                        "on it are {}; write one of them, or ssh, session, nd or dhcp",
                        self.lines().join("; ")
                    )));
                }
            }
        }
        Ok(())
    }

    fn take_off_endpoint(&mut self, endpoint: &Endpoint) -> bool {
        let before = self.size();
        self.endpoints.retain(|it| it != endpoint);
        if let (None, Some(port)) = (endpoint.address, endpoint.port) {
            self.login.ports.remove(&port);
        }
        self.login.connections.retain(|connection| {
            ![connection.near, connection.far]
                .iter()
                .any(|end| endpoint.address == Some(end.ip()) && endpoint.port == Some(end.port()))
        });
        self.size() < before
    }

    fn size(&self) -> usize {
        self.endpoints.len() + self.login.ports.len() + self.login.connections.len()
    }

    /// What is on it, a few words each.
    pub fn lines(&self) -> Vec<String> {
        let ports = self
            .login
            .ports
            .iter()
            .map(|port| format!("SSH port {port}"));
        let connections = self.login.connections.iter();
        let connections = connections.map(|it| format!("this session's connection {it}"));
        let kinds = [
            ("ARP", true),
            ("IPv6 neighbour discovery", self.neighbour_discovery),
            ("DHCP", self.dhcp),
        ];
        let kinds = kinds.into_iter().filter(|(_, on)| *on);
        let endpoints = self.endpoints.iter().map(ToString::to_string);
        ports
            .chain(connections)
            .chain(kinds.map(|(name, _)| name.to_owned()))
            .chain(endpoints)
            .collect()
    }
}

#[cfg(test)]
mod tests;
