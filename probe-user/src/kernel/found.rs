//! Connections that were there before the observer: found by the kernel's socket diagnostics and
//! written into its maps, so that their calls count from now on and are laid to who makes them.

use std::{collections::HashMap, net::IpAddr};

use anyhow::{Context, Result};
use aya::{
    Ebpf,
    maps::{Array, HashMap as KernelMap},
};
use probe_common::{
    address::{Address, protocol},
    flow::{Flow, MAX_PEERS, PeerKey, flag, role, state},
    names::map,
};

use super::{
    netns::{Netns, NetnsRef},
    process,
    sockets::{self, Connection, Sockets},
};

/// A connection, and what it is grouped by.
struct Found {
    cookie: u64,
    peer: PeerKey,
}

/// Writes every TCP connection of the host into the maps; tells how many there were. To be
/// called before the programs are attached: the maps are this process's alone until then.
///
/// # Errors
/// Where the maps can't be written. A namespace that can't be looked into is left out: its
/// connections are taken up by their packets, without their callers.
pub fn write(ebpf: &mut Ebpf) -> Result<usize> {
    let mut found = Vec::new();
    for (inode, pid) in namespaces() {
        match connections_in(inode, pid) {
            Ok(some) => found.extend(some),
            Err(error) => log::debug!("connections of process {pid}'s namespace: {error:#}"),
        }
    }
    let slots = give_slots(ebpf, &found)?;
    let map = ebpf.map_mut(map::FLOWS).context("no flows in the object")?;
    let mut flows: KernelMap<_, u64, Flow> = map.try_into()?;
    for it in &found {
        let flow = Flow {
            netns_cookie: it.peer.netns_cookie,
            peer: slots.get(&it.peer).copied().unwrap_or(0),
            pid: it.peer.pid,
            role: it.peer.role,
            state: state::IDLE,
            flags: flag::FOUND,
            ..Flow::EMPTY
        };
        flows
            .insert(it.cookie, flow, 0)
            .context("writing a connection")?;
    }
    Ok(found.len())
}

/// One process of each network namespace.
fn namespaces() -> HashMap<u64, u32> {
    let inode_of = |pid| Some((process::netns_inode(pid)?, pid));
    process::all().into_iter().filter_map(inode_of).collect()
}

fn connections_in(inode: u64, pid: u32) -> Result<Vec<Found>> {
    let netns = Netns::open(&NetnsRef::Pid(pid))?;
    let netns_cookie = netns.cookie()?;
    let Sockets {
        connections,
        listening,
    } = netns.within(sockets::list)?;
    let owners = process::socket_owners(inode);
    Ok(connections
        .iter()
        .map(|connection| Found {
            cookie: connection.cookie,
            peer: if listening.contains(&connection.local_port) {
                served(connection, netns_cookie)
            } else {
                called(
                    connection,
                    netns_cookie,
                    owners.get(&connection.inode).copied(),
                )
            },
        })
        .collect())
}

fn served(connection: &Connection, netns_cookie: u64) -> PeerKey {
    PeerKey {
        netns_cookie,
        port: connection.local_port,
        role: role::SERVER,
        protocol: protocol::TCP,
        ..PeerKey::default()
    }
}

/// Grouped as the connect hook would have it, cgroup included.
fn called(connection: &Connection, netns_cookie: u64, owner: Option<u32>) -> PeerKey {
    PeerKey {
        address: match connection.remote {
            IpAddr::V4(v4) => Address::from_v4(v4.octets()),
            IpAddr::V6(v6) => Address::from_v6(v6.octets()),
        },
        netns_cookie,
        cgroup_id: owner.and_then(process::cgroup_id).unwrap_or(0),
        pid: owner.unwrap_or(0),
        port: connection.remote_port,
        role: role::CLIENT,
        protocol: protocol::TCP,
    }
}

/// Gives each peer a slot, as the programs would.
fn give_slots(ebpf: &mut Ebpf, found: &[Found]) -> Result<HashMap<PeerKey, u32>> {
    let mut slots = HashMap::new();
    for it in found {
        let next = slots.len() as u32 + 1;
        if next < MAX_PEERS {
            slots.entry(it.peer).or_insert(next);
        }
    }
    let map = ebpf.map_mut(map::PEERS).context("no peers in the object")?;
    let mut peers: KernelMap<_, PeerKey, u32> = map.try_into()?;
    for (peer, slot) in &slots {
        peers.insert(peer, slot, 0).context("writing a peer")?;
    }
    let map = ebpf
        .map_mut(map::PEER_CURSOR)
        .context("no peer cursor in the object")?;
    let mut cursor: Array<_, u64> = map.try_into()?;
    cursor
        .set(0, slots.len() as u64, 0)
        .context("writing the peer cursor")?;
    Ok(slots)
}
