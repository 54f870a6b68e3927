//! What of all that the kernel programs see a person asked for, and what it is called.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use probe_common::flow::{PeerKey, role};

use super::{Process, Service};
use crate::plan::Endpoint;

/// What is looked at; empty, everything is.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Cookie of the network namespace.
    pub netns_cookie: Option<u64>,
    /// Far sides of outbound calls.
    pub endpoints: Vec<Endpoint>,
    /// Id of the callers' cgroup.
    pub cgroup_id: Option<u64>,
    /// Command name or process id of the callers.
    pub process: Option<String>,
    /// Path of the service's cgroup, below the unified hierarchy.
    pub cgroup: Option<String>,
    /// Port of the service under test.
    pub listen: Option<u16>,
}

impl Scope {
    /// Whether a peer is looked at, as far as its key tells.
    pub(super) fn covers(&self, peer: &PeerKey) -> bool {
        let netns = self
            .netns_cookie
            .is_none_or(|wanted| peer.netns_cookie == wanted);
        if peer.role == role::SERVER {
            return netns && self.listen.is_none_or(|port| port == peer.port);
        }
        let process = match self.process.as_deref().map(str::parse::<u32>) {
            Some(Ok(pid)) => peer.pid == pid,
            _ => true,
        };
        netns && process && self.cgroup_id.is_none_or(|wanted| peer.cgroup_id == wanted)
    }

    /// Whether calls to a far side are looked at.
    pub(super) fn covers_remote(&self, remote: SocketAddr) -> bool {
        self.endpoints.is_empty() || self.endpoints.iter().any(|it| is_at(it, remote))
    }

    /// Whether a caller is looked at, as far as its name tells.
    pub(super) fn covers_caller(&self, caller: Option<&Process>) -> bool {
        match &self.process {
            Some(name) if name.parse::<u32>().is_err() => {
                caller.is_some_and(|caller| caller.command == *name)
            }
            _ => true,
        }
    }

    /// Whether a service is the one under test.
    pub(super) fn is_the_service(&self, service: &Service) -> bool {
        self.listen.is_none_or(|port| port == service.port)
            && self
                .cgroup
                .as_ref()
                .is_none_or(|cgroup| is_below(&service.process.cgroup, cgroup))
            && self.process.as_ref().is_none_or(|process| {
                *process == service.process.command || *process == service.pid.to_string()
            })
    }
}

/// Whether a cgroup is another, or lies below it.
fn is_below(cgroup: &str, other: &str) -> bool {
    let trimmed = |path: &str| path.trim_matches('/').to_owned();
    let (cgroup, other) = (trimmed(cgroup), trimmed(other));
    cgroup == other || cgroup.starts_with(&(other + "/"))
}

/// Names of far sides.
#[derive(Clone, Debug, Default)]
pub struct Names {
    declared: Vec<(Endpoint, String)>,
    /// From DNS answers, and until when each holds.
    told: HashMap<IpAddr, (String, u64)>,
}

/// Addresses whose names are kept from DNS answers.
const MOST_TOLD: usize = 16_384;

impl Names {
    /// Names for endpoints, the first that fits counting.
    pub fn new(names: Vec<(Endpoint, String)>) -> Self {
        Self {
            declared: names,
            ..Self::default()
        }
    }

    /// What a far side is called, and whether that was declared.
    pub(super) fn of(&self, remote: SocketAddr) -> Option<(&str, bool)> {
        let mut declared = self.declared.iter();
        if let Some((_, name)) = declared.find(|(endpoint, _)| is_at(endpoint, remote)) {
            return Some((name, true));
        }
        let told = self.told.get(&remote.ip().to_canonical());
        told.map(|(name, _)| (name.as_str(), false))
    }

    /// Takes in that somebody was told an address for a name, which holds until then. Who was
    /// told first counts as long as that holds. Tells whether it was news.
    pub fn learn(&mut self, address: IpAddr, name: &str, now_ns: u64, until_ns: u64) -> bool {
        if let Some((known, until)) = self.told.get_mut(&address)
            && (known == name || *until > now_ns)
        {
            if known == name {
                *until = until_ns.max(*until);
            }
            return false;
        }
        if self.told.len() >= MOST_TOLD {
            self.told.retain(|_, (_, until)| *until > now_ns);
        }
        if self.told.len() >= MOST_TOLD {
            self.told.clear();
        }
        self.told.insert(address, (name.to_owned(), until_ns));
        true
    }
}

/// Whether an address and port fall under an endpoint.
fn is_at(endpoint: &Endpoint, remote: SocketAddr) -> bool {
    if endpoint.port.is_some_and(|port| port != remote.port()) {
        return false;
    }
    match (endpoint.address, remote.ip()) {
        (None, _) => true,
        (Some(IpAddr::V4(network)), IpAddr::V4(address)) => {
            let mask = u32::MAX
                .checked_shl(32 - u32::from(endpoint.prefix.min(32)))
                .unwrap_or(0);
            u32::from(network) & mask == u32::from(address) & mask
        }
        (Some(IpAddr::V6(network)), IpAddr::V6(address)) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(endpoint.prefix.min(128)))
                .unwrap_or(0);
            u128::from(network) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(address: &str, prefix: u8, port: Option<u16>) -> Endpoint {
        Endpoint {
            address: (!address.is_empty()).then(|| address.parse().unwrap()),
            prefix,
            port,
        }
    }

    #[test]
    fn endpoints_hold_what_they_say() {
        let at = |e: Endpoint, to: &str| is_at(&e, to.parse().unwrap());
        assert!(at(endpoint("10.0.0.7", 32, Some(80)), "10.0.0.7:80"));
        assert!(!at(endpoint("10.0.0.7", 32, Some(80)), "10.0.0.7:81"));
        assert!(at(endpoint("10.0.0.0", 8, None), "10.9.9.9:1"));
        assert!(!at(endpoint("10.0.0.0", 8, None), "11.0.0.1:1"));
        assert!(at(endpoint("fd00::", 16, None), "[fd00::1]:1"));
        assert!(!at(endpoint("0.0.0.0", 0, None), "[fd00::1]:1"));
        assert!(at(endpoint("", 0, Some(53)), "[fd00::1]:53"));
    }
}
