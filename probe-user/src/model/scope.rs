//! What of all that the kernel programs see a person asked for.

use std::net::{IpAddr, SocketAddr};

use probe_common::flow::{PeerKey, role};

use super::{Process, Service, listener::Listener};
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

    /// Whether a caller is the service under test, where that is said by process or cgroup.
    pub(super) fn names_the_caller(&self, pid: u32, command: &str, it: &Process) -> Option<bool> {
        if let Some(wanted) = &self.process {
            return Some(*wanted == command || *wanted == pid.to_string());
        }
        let wanted = self.cgroup.as_ref()?;
        Some(is_below(&it.cgroup, wanted))
    }

    /// Whether a port that nobody called is looked at.
    pub(super) fn covers_listener(&self, listener: &Listener) -> bool {
        self.netns_cookie
            .is_none_or(|wanted| wanted == listener.netns_cookie)
            && self
                .listen
                .is_none_or(|port| port == listener.address.port())
            && self
                .names_the_caller(listener.pid, &listener.process.command, &listener.process)
                .unwrap_or(true)
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
    other.is_empty() || cgroup == other || cgroup.starts_with(&(other + "/"))
}

/// Whether an address and port fall under an endpoint.
pub fn is_at(endpoint: &Endpoint, remote: SocketAddr) -> bool {
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
