//! What a far side is called: by the scenario, else by the name that TLS asked it for, else by the
//! DNS answer that gave its address, else by the hosts file, else by its address.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, SocketAddr},
};

use super::scope::is_at;
use crate::{endpoint::EndpointSpec, plan::Endpoint};

/// Addresses whose names are kept from DNS answers; beyond, the oldest one is forgotten.
const MOST_ANSWERS: usize = 16_384;

/// Endpoints that one declared name may come to stand for.
const MOST_MEANT: usize = 256;

/// Where a name is from, the best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The user's scenario.
    Scenario,
    /// The server name of a TLS ClientHello.
    ServerName,
    /// An answer that a DNS server gave.
    Dns,
    /// The hosts file.
    Hosts,
    /// It has none.
    #[default]
    Address,
}

impl Source {
    /// What it is called in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::ServerName => "tls",
            Self::Dns => "dns",
            Self::Hosts => "hosts",
            Self::Address => "address",
        }
    }
}

/// A name, and where it is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// The name; the address and port where there is none.
    pub text: String,
    /// Where it is from.
    pub source: Source,
}

/// A far side that a scenario names by a host's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// What the scenario calls it.
    pub name: String,
    /// The host's name, and a port.
    pub spec: EndpointSpec,
    /// Domains that the resolver tries behind the host's name.
    pub search: Vec<String>,
}

/// Names of far sides.
#[derive(Clone, Debug, Default)]
pub struct Names {
    declared: Vec<(Endpoint, String)>,
    called: Vec<Called>,
    /// How many endpoints DNS answers added to `declared`.
    added: usize,
    answers: Answers,
    hosts: HashMap<IpAddr, String>,
}

impl Names {
    /// Names for endpoints, the first that fits counting.
    pub fn new(declared: Vec<(Endpoint, String)>) -> Self {
        Self {
            declared,
            ..Self::default()
        }
    }

    /// The same, and those that a scenario has by a host's name, which DNS answers may move.
    pub fn with_called(mut self, called: Vec<Called>) -> Self {
        self.called = called;
        self
    }

    /// The same, and those of a hosts file.
    pub fn with_hosts(mut self, hosts: HashMap<IpAddr, String>) -> Self {
        self.hosts = hosts;
        self
    }

    /// Takes in that somebody was told an address for a name, which holds until then. Tells whether
    /// that changes what the address is called.
    pub fn learn(&mut self, address: IpAddr, name: &str, now_ns: u64, until_ns: u64) -> bool {
        let name = name.trim_end_matches('.');
        if !is_name(name) {
            return false;
        }
        let name = name.to_ascii_lowercase();
        let address = address.to_canonical();
        let declares = self.follow(address, &name);
        self.answers.learn(address, name, now_ns, until_ns) || declares
    }

    /// What a far side is called. `server_name` is the one that TLS asked it for.
    pub fn of(&self, remote: SocketAddr, server_name: Option<&str>) -> Name {
        let name = |text: &str, source| Name {
            text: text.to_owned(),
            source,
        };
        let ip = remote.ip().to_canonical();
        let declared = self
            .declared
            .iter()
            .find(|(endpoint, _)| is_at(endpoint, remote));
        if let Some((_, text)) = declared {
            return name(text, Source::Scenario);
        }
        if let Some(text) = server_name.filter(|text| is_name(text)) {
            return name(text, Source::ServerName);
        }
        if let Some(text) = self.answers.of(ip) {
            return name(text, Source::Dns);
        }
        if let Some(text) = self.hosts.get(&ip) {
            return name(text, Source::Hosts);
        }
        name(&remote.to_string(), Source::Address)
    }

    /// Adds an address to what a declared host's name stands for; tells whether it was news.
    fn follow(&mut self, address: IpAddr, name: &str) -> bool {
        let before = self.added;
        for called in &self.called {
            if !called.spec.is_called(name, &called.search) {
                continue;
            }
            for endpoint in called.spec.resolved(&[address]) {
                let is_known = self.declared.iter().any(|(known, _)| *known == endpoint);
                if !is_known && self.added < MOST_MEANT * self.called.len() {
                    self.declared.push((endpoint, called.name.clone()));
                    self.added += 1;
                }
            }
        }
        self.added > before
    }
}

/// Names by address, as DNS answers told them.
#[derive(Clone, Debug, Default)]
struct Answers {
    names: HashMap<IpAddr, Told>,
    /// In the order in which they were first told.
    order: VecDeque<IpAddr>,
}

#[derive(Clone, Debug)]
struct Told {
    name: String,
    until_ns: u64,
}

impl Answers {
    fn of(&self, address: IpAddr) -> Option<&str> {
        self.names.get(&address).map(|told| told.name.as_str())
    }

    /// An address that several names share keeps the first one for as long as that holds: a row
    /// whose name changed back and forth would be nobody's.
    fn learn(&mut self, address: IpAddr, name: String, now_ns: u64, until_ns: u64) -> bool {
        if let Some(told) = self.names.get_mut(&address) {
            if told.name == name {
                told.until_ns = told.until_ns.max(until_ns);
                return false;
            }
            if told.until_ns > now_ns {
                return false;
            }
            *told = Told { name, until_ns };
            return true;
        }
        if self.names.len() >= MOST_ANSWERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
        self.order.push_back(address);
        self.names.insert(address, Told { name, until_ns });
        true
    }
}

/// Whether a text may be a host's name: what others send is shown to people, so that nothing that
/// a terminal would obey gets in.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 253 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
