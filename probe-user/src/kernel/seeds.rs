//! What was there before a fault came to hold, written into the maps: UDP sockets that are
//! connected, for rules that ask for the age of connections; TCP connections, for rules that
//! limit how many there are.

use std::collections::HashSet;

use anyhow::{Context, Result};
use aya::{Ebpf, maps::HashMap};
use probe_common::{
    address::{Address, protocol},
    connection::under_rule,
    names::map,
    rule::{CountedKey, EndpointKey, only},
};

use super::{near::Finder, netns::Netns, sockets, sockets::AnySocket};
use crate::plan::{NearSide, encode::Encoded};

/// `BPF_NOEXIST`: only where there is none of that key.
const IF_MISSING: u64 = 1;

/// Tells rules which UDP sockets were connected before they came to hold. Of TCP the first packet
/// tells it.
///
/// # Errors
/// Where sockets can't be listed, or the map not be written.
pub fn write_ages(ebpf: &mut Ebpf, netns: &Netns, rules: &[u32]) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let sockets = netns.within(sockets::list_any)?;
    let map = ebpf.map_mut(map::BEGUN).context("no ages in the object")?;
    let mut ages: HashMap<_, u64, u32> = map.try_into()?;
    let udp = sockets.iter().filter(|it| it.protocol == protocol::UDP);
    for connection in udp.filter_map(AnySocket::connection) {
        for &rule in rules {
            ages.insert(under_rule(connection, rule), only::ESTABLISHED, 0)
                .context("noting a connection that was there before")?;
        }
    }
    Ok(())
}

/// Lets the connections count that are open already; gives how many those are, rule by rule.
///
/// The programs count connections as they are made by then, and let them go as they are closed.
/// Each counts once: who is first to write it has counted it. One that was closed between being
/// listed and being written would count for good, so they are listed once more.
///
/// # Errors
/// Where sockets can't be listed, or the map not be written.
pub fn write_open(
    ebpf: &mut Ebpf,
    netns: &Netns,
    near: &NearSide,
    encoded: &Encoded,
    rules: &[(u32, bool)],
) -> Result<Vec<u64>> {
    let mut seeded = vec![0; rules.len()];
    if rules.is_empty() {
        return Ok(seeded);
    }
    let sockets = netns.within(sockets::list_any)?;
    let listening = listening(&sockets);
    let near_sockets = Finder::new(near.clone()).find(sockets.clone()).sockets;
    let near_cookies: HashSet<u64> = near_sockets.iter().map(|it| it.cookie).collect();
    let map = ebpf
        .map_mut(map::COUNTED)
        .context("no counted connections in the object")?;
    let mut counted: HashMap<_, CountedKey, u8> = map.try_into()?;
    let mut written = Vec::new();
    for socket in sockets.iter().filter(|it| is_open_call(it, &listening)) {
        for (place, &(rule, is_near)) in rules.iter().enumerate() {
            if !leads_to(encoded, socket, rule)
                || (is_near && !near_cookies.contains(&socket.cookie))
            {
                continue;
            }
            let key = CountedKey {
                cookie: socket.cookie,
                rule,
                pad: 0,
            };
            if counted.insert(key, 1, IF_MISSING).is_ok() {
                seeded[place] += 1;
                written.push((place, key));
            }
        }
    }
    let still: HashSet<u64> = netns
        .within(sockets::list_any)?
        .iter()
        .filter(|it| it.inode != 0)
        .map(|it| it.cookie)
        .collect();
    for (place, key) in written {
        if !still.contains(&key.cookie) && counted.remove(&key).is_ok() {
            seeded[place] -= 1;
        }
    }
    Ok(seeded)
}

/// Local ports of TCP that somebody listens on.
fn listening(sockets: &[AnySocket]) -> HashSet<u16> {
    let listening = sockets.iter().filter(|it| it.is_listening);
    listening.map(|it| it.local.port()).collect()
}

/// Whether a socket is a TCP connection that was called from here, and is still held.
fn is_open_call(socket: &AnySocket, listening: &HashSet<u16>) -> bool {
    socket.protocol == protocol::TCP
        && socket.inode != 0
        && socket.remote.port() != 0
        && !listening.contains(&socket.local.port())
}

/// Whether a socket's far side falls under a rule.
fn leads_to(encoded: &Encoded, socket: &AnySocket, rule: u32) -> bool {
    let far_side = EndpointKey {
        address: match socket.remote.ip() {
            std::net::IpAddr::V4(v4) => Address::from_v4(v4.octets()),
            std::net::IpAddr::V6(v6) => Address::from_v6(v6.octets()),
        },
        port: socket.remote.port(),
        protocol: socket.protocol,
        pad: 0,
    };
    encoded.shapes.iter().any(|shape| {
        let target = encoded.targets.get(&shape.apply(&far_side));
        target.is_some_and(|it| {
            it.rules[..it.count as usize]
                .iter()
                .any(|&index| u32::from(index) == rule)
        })
    })
}
