//! Connections that were there before the observer: found by the kernel's socket diagnostics and
//! written into its maps, so that their calls count from now on and are laid to who makes them.

use std::{collections::HashMap, net::IpAddr};

use anyhow::{Context, Result};
use aya::{Ebpf, maps::HashMap as KernelMap};
use probe_common::{
    address::{Address, protocol},
    connection::End,
    flow::{Flow, MAX_FLOWS, PeerKey, flag, framing, role, state},
    names::map,
    question::{Asker, DNS_PORT, MAX_ASKERS},
};

use super::{
    netns::{Netns, NetnsRef},
    process,
    sockets::{self, Connection, Sockets},
};

/// Only where there is no such key, and only where there is.
const BPF_NOEXIST: u64 = 1;
const BPF_EXIST: u64 = 2;

/// A connection, and what it is grouped by.
struct Found {
    met: Met,
    peer: PeerKey,
}

/// A connection that was there before the observer: nothing tells its ends later.
#[derive(Clone, Copy, Debug)]
pub struct Met {
    /// Its socket's cookie.
    pub cookie: u64,
    /// This side's end.
    pub near: End,
    /// The other.
    pub far: End,
}

/// Writes the TCP connections of the host into the maps, as many as are followed at once; gives
/// them. `lend` gives each peer a slot. To be called before the programs are
/// attached: the maps are this process's alone until then.
///
/// # Errors
/// Where the maps can't be written. A namespace that can't be looked into is left out: its
/// connections are taken up by their packets, without their callers.
pub fn write(ebpf: &mut Ebpf, mut lend: impl FnMut(&PeerKey) -> Result<u32>) -> Result<Vec<Met>> {
    let map = ebpf.map_mut(map::FLOWS).context("no flows in the object")?;
    let mut flows: KernelMap<_, u64, Flow> = map.try_into()?;
    let mut written = Vec::new();
    for (inode, pid) in namespaces() {
        let found = match connections_in(inode, pid) {
            Ok(found) => found,
            Err(error) => {
                log::debug!("connections of process {pid}'s namespace: {error:#}");
                continue;
            }
        };
        let room = MAX_FLOWS as usize - written.len();
        for it in found.iter().take(room) {
            let flow = flow(&it.peer, lend(&it.peer)?);
            flows
                .insert(it.met.cookie, flow, 0)
                .context("writing a connection")?;
            written.push(it.met);
        }
    }
    Ok(written)
}

/// Writes the connections that came to be after [`write`] had looked and before the programs were
/// attached: those that nobody knows, and those that the programs took up by their packets, without
/// their caller. Gives both, and tells how many nobody knew. To be called once the programs are
/// attached.
///
/// # Errors
/// Where the maps can't be written.
pub fn write_late(
    ebpf: &mut Ebpf,
    mut lend: impl FnMut(&PeerKey) -> Result<u32>,
) -> Result<(Vec<Met>, usize)> {
    let map = ebpf.map_mut(map::FLOWS).context("no flows in the object")?;
    let mut flows: KernelMap<_, u64, Flow> = map.try_into()?;
    let (mut met, mut written) = (Vec::new(), 0);
    let all = namespaces().into_iter();
    for it in all.flat_map(|(inode, pid)| connections_in(inode, pid).unwrap_or_default()) {
        match flows.get(&it.met.cookie, 0) {
            // One that waits for its answer, or has streams that may, keeps the account that this is
            // counted by.
            Ok(known) if known.flags & flag::FOUND != 0 && known.pid == 0 && it.peer.pid != 0 => {
                met.push(it.met);
                if known.state == state::WAITING || known.framing != framing::TURNS {
                    continue;
                }
                let flow = Flow {
                    netns_cookie: it.peer.netns_cookie,
                    pid: it.peer.pid,
                    role: it.peer.role,
                    peer: lend(&it.peer)?,
                    // It may be looked at just now, and whoever does gives back the turn in what is
                    // replaced here.
                    receiving: 0,
                    ..known
                };
                // It may have ended meanwhile.
                let _ = flows.insert(it.met.cookie, flow, BPF_EXIST);
            }
            Ok(_) => {}
            Err(_) => {
                let flow = flow(&it.peer, lend(&it.peer)?);
                // A program may have been faster.
                written += usize::from(flows.insert(it.met.cookie, flow, BPF_NOEXIST).is_ok());
                met.push(it.met);
            }
        }
    }
    Ok((met, written))
}

/// Writes the UDP sockets that ask DNS servers, or are one's: whose they are can't be told from
/// their packets.
///
/// # Errors
/// As for [`write`].
pub fn write_askers(ebpf: &mut Ebpf) -> Result<()> {
    let map = ebpf
        .map_mut(map::ASKERS)
        .context("no askers in the object")?;
    let mut askers: KernelMap<_, u64, Asker> = map.try_into()?;
    for (inode, pid) in namespaces() {
        for (cookie, asker) in askers_in(inode, pid).unwrap_or_default() {
            askers
                .insert(cookie, asker, 0)
                .context("writing a socket")?;
        }
    }
    Ok(())
}

fn askers_in(inode: u64, pid: u32) -> Result<Vec<(u64, Asker)>> {
    let netns = Netns::open(&NetnsRef::Pid(pid))?;
    let netns_cookie = netns.cookie()?;
    let mut sockets = netns.within(sockets::list_udp)?;
    sockets.retain(|it| [it.local.port(), it.remote.port()].contains(&DNS_PORT));
    if sockets.is_empty() {
        return Ok(Vec::new());
    }
    let owners = process::socket_owners(inode);
    let found = sockets.iter().take(MAX_ASKERS as usize).map(|socket| {
        let asker = Asker {
            cgroup_id: socket.cgroup_id.unwrap_or(0),
            netns_cookie,
            pid: owners.get(&socket.inode).copied().unwrap_or(0),
            ..Asker::EMPTY
        };
        (socket.cookie, asker)
    });
    Ok(found.collect())
}

fn flow(peer: &PeerKey, handle: u32) -> Flow {
    Flow {
        netns_cookie: peer.netns_cookie,
        peer: handle,
        pid: peer.pid,
        role: peer.role,
        state: state::IDLE,
        flags: flag::FOUND,
        ..Flow::EMPTY
    }
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
    let mut cgroups = HashMap::new();
    let mut cgroup_of = |pid: u32| {
        let id = cgroups.entry(pid);
        *id.or_insert_with(|| process::cgroup_id(pid).unwrap_or(0))
    };
    let found = connections.iter().map(|connection| {
        let peer = if listening.contains(&connection.local_port) {
            served(connection, netns_cookie)
        } else {
            let owner = owners.get(&connection.inode).copied();
            let cgroup_id = owner.map_or(0, &mut cgroup_of);
            called(connection, netns_cookie, owner, cgroup_id)
        };
        Found {
            met: met(connection),
            peer,
        }
    });
    Ok(found.collect())
}

fn met(connection: &Connection) -> Met {
    let end = |address, port| End {
        address: address_of(address),
        port,
    };
    Met {
        cookie: connection.cookie,
        near: end(connection.local, connection.local_port),
        far: end(connection.remote, connection.remote_port),
    }
}

fn address_of(address: IpAddr) -> Address {
    match address {
        IpAddr::V4(v4) => Address::from_v4(v4.octets()),
        IpAddr::V6(v6) => Address::from_v6(v6.octets()),
    }
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
fn called(
    connection: &Connection,
    netns_cookie: u64,
    owner: Option<u32>,
    cgroup_id: u64,
) -> PeerKey {
    PeerKey {
        address: address_of(connection.remote),
        netns_cookie,
        cgroup_id,
        pid: owner.unwrap_or(0),
        port: connection.remote_port,
        role: role::CLIENT,
        protocol: protocol::TCP,
    }
}
