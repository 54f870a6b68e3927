//! What a fault would touch right now: the connections to its endpoints, and whose they are, by
//! the kernel's socket diagnostics. What connects later is not in it, nor what has no connection.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;

use super::{near::Finder, netns::Netns, process, sockets};
use crate::{
    plan::{Endpoint, NearSide, Protocol},
    report::blast::{Party, Reached},
};

/// Looks for connections of a near side to endpoints, as seen from a network namespace.
///
/// # Errors
/// Where the kernel has no socket diagnostics.
pub fn radius(
    netns: &Netns,
    near: &NearSide,
    endpoints: &[Endpoint],
    protocol: Protocol,
) -> Result<Reached> {
    if protocol == Protocol::Udp {
        return Ok(Reached::default());
    }
    let sockets = netns.within(sockets::list)?;
    let of_near_side: Option<HashSet<u64>> = match near.is_somebody() {
        true => {
            let found = Finder::new(near.clone()).find(netns.within(sockets::list_any)?);
            Some(found.sockets.iter().map(|it| it.cookie).collect())
        }
        false => None,
    };
    let is_near = |cookie: &u64| of_near_side.as_ref().is_none_or(|it| it.contains(cookie));
    let hit: Vec<_> = sockets
        .connections
        .iter()
        .filter(|it| is_near(&it.cookie))
        .filter(|it| {
            endpoints
                .iter()
                .any(|to| to.covers(it.remote, it.remote_port))
        })
        .collect();
    let owners = match hit.is_empty() {
        true => Default::default(),
        false => process::socket_owners(netns.inode),
    };
    let mut parties: BTreeMap<Option<u32>, usize> = BTreeMap::new();
    for connection in &hit {
        let owner = owners.get(&connection.inode).copied();
        *parties.entry(owner).or_default() += 1;
    }
    let mut parties: Vec<_> = parties
        .into_iter()
        .map(|(pid, connections)| Party {
            pid,
            name: pid.and_then(process::command_name),
            connections,
        })
        .collect();
    parties.sort_by(|a, b| b.connections.cmp(&a.connections).then(a.pid.cmp(&b.pid)));
    Ok(Reached {
        connections: hit.len(),
        processes: parties,
    })
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, TcpListener, TcpStream};

    use super::*;
    use crate::kernel::netns::NetnsRef;

    #[test]
    fn a_connection_is_found_with_its_process() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let _caller = TcpStream::connect(at).unwrap();
        let _called = listener.accept().unwrap();
        let netns = Netns::open(&NetnsRef::Own).unwrap();
        let endpoint = Endpoint {
            address: Some(IpAddr::from([127, 0, 0, 1])),
            prefix: 32,
            port: Some(at.port()),
        };
        let reached = radius(&netns, &NearSide::Everybody, &[endpoint], Protocol::Tcp).unwrap();
        assert_eq!(reached.connections, 1, "{reached:?}");
        assert_eq!(reached.processes[0].pid, Some(std::process::id()));
        let nobody = radius(&netns, &NearSide::Everybody, &[endpoint], Protocol::Udp).unwrap();
        assert_eq!(nobody.connections, 0);
    }
}
