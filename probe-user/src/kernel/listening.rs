//! Every TCP port of the host that somebody listens on, in every network namespace, from one walk
//! through /proc.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use super::{
    netns::{self, Netns, NetnsRef},
    process,
};
use crate::model::{Process, listener::Listener};

/// What there is on a host.
#[derive(Clone, Debug, Default)]
pub struct Listening {
    /// Who listens; of several sockets on one port, the one of the lowest process id.
    pub listeners: Vec<Listener>,
    /// Network namespaces by cookie, and how each is named to probe; the one that probe was
    /// started in has no name.
    pub namespaces: Vec<(u64, Option<String>)>,
}

/// Looks through the whole host.
pub fn everywhere() -> Listening {
    let mut pids = process::all();
    pids.sort_unstable();
    let own = process::netns_inode(std::process::id());
    let mut namespaces: HashMap<u64, Namespace> = HashMap::new();
    let mut found = BTreeMap::new();
    for pid in pids {
        let Some(inode) = process::netns_inode(pid) else {
            continue;
        };
        let namespace = namespaces
            .entry(inode)
            .or_insert_with(|| Namespace::of(pid, inode, own == Some(inode)));
        if namespace.sockets.is_empty() {
            continue;
        }
        let addresses = process::socket_inodes(pid).filter_map(|it| namespace.sockets.get(&it));
        for address in addresses {
            found
                .entry((inode, address.port()))
                .and_modify(|it: &mut Listener| widen(it, *address, &namespace.addresses))
                .or_insert_with(|| namespace.listener(pid, *address));
        }
    }
    let names = namespaces.into_values().map(|it| (it.cookie, it.name));
    Listening {
        listeners: found.into_values().collect(),
        namespaces: names.collect(),
    }
}

/// A port bound for every address is told so, whichever of its sockets came first.
fn widen(listener: &mut Listener, address: SocketAddr, addresses: &[IpAddr]) {
    if address.ip().is_unspecified() && !listener.address.ip().is_unspecified() {
        listener.address = address;
        listener.addresses = addresses.to_vec();
    }
}

/// The listening sockets of a network namespace.
struct Namespace {
    cookie: u64,
    name: Option<String>,
    /// Where each is bound, by its inode.
    sockets: HashMap<u64, SocketAddr>,
    /// Its own addresses but those of the loopback.
    addresses: Vec<IpAddr>,
}

impl Namespace {
    /// That of a process.
    fn of(pid: u32, inode: u64, is_own: bool) -> Self {
        let cookie = Netns::open(&NetnsRef::Pid(pid)).and_then(|netns| netns.cookie());
        let named = || netns::name_of(inode).unwrap_or_else(|| format!("pid:{pid}"));
        Self {
            cookie: cookie.unwrap_or(0),
            name: (!is_own).then(named),
            sockets: ["tcp", "tcp6"]
                .iter()
                .flat_map(|table| {
                    let text = fs::read_to_string(format!("/proc/{pid}/net/{table}"));
                    listening(&text.unwrap_or_default())
                })
                .collect(),
            addresses: own_addresses(pid),
        }
    }

    fn listener(&self, pid: u32, address: SocketAddr) -> Listener {
        Listener {
            netns_cookie: self.cookie,
            netns: self.name.clone(),
            addresses: match address.ip() {
                ip if ip.is_unspecified() => self.addresses.clone(),
                ip => vec![ip],
            },
            address,
            pid,
            process: Process {
                command: process::command_name(pid).unwrap_or_default(),
                cgroup: process::cgroup(pid).unwrap_or_default(),
            },
        }
    }
}

/// The addresses of a process's network namespace, but those of the loopback.
fn own_addresses(pid: u32) -> Vec<IpAddr> {
    let read = |table| fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
    let v6 = read("if_inet6");
    let v6 = v6.lines().filter_map(|line| {
        let hex = line.split_ascii_whitespace().next()?;
        let number = u128::from_str_radix(hex, 16).ok()?;
        Some(IpAddr::from(Ipv6Addr::from(number)))
    });
    let mut addresses = local_v4(&read("fib_trie"));
    addresses.extend(v6);
    addresses.retain(|ip| !ip.is_loopback());
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// The addresses that the routing table of /proc/net/fib_trie has for the host itself.
fn local_v4(table: &str) -> Vec<IpAddr> {
    let mut last = None;
    let mut found = Vec::new();
    for line in table.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line.starts_with("/32 host LOCAL") {
            found.extend(last.map(IpAddr::from));
        }
    }
    found
}

/// The listening sockets of a table of /proc/net: inode and address.
fn listening(table: &str) -> Vec<(u64, SocketAddr)> {
    const LISTEN: &str = "0A";
    let socket = |line: &str| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let [_, local, _, state, ..] = fields[..] else {
            return None;
        };
        let (address, port) = local.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let inode = fields.get(9)?.parse().ok()?;
        (state == LISTEN).then_some((inode, SocketAddr::new(read_address(address)?, port)))
    };
    table.lines().skip(1).filter_map(socket).collect()
}

/// An address as /proc/net has it: words of the network's bytes, told as the machine's numbers.
fn read_address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok();
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?.to_ne_bytes()).into()),
        32 => {
            let mut octets = [0; 16];
            for (n, four) in octets.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(n)?.to_ne_bytes());
            }
            Some(IpAddr::from(Ipv6Addr::from(octets)).to_canonical())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_found_with_its_address() {
        for address in ["127.0.0.1:0", "[::]:0"] {
            let Ok(socket) = std::net::TcpListener::bind(address) else {
                continue;
            };
            let bound = socket.local_addr().unwrap();
            let pid = std::process::id();
            let all = everywhere().listeners;
            let found = all.iter().find(|it| it.address == bound && it.pid == pid);
            let found = found.unwrap_or_else(|| panic!("{bound}: {all:?}"));
            assert_eq!(found.netns, None);
            assert_eq!(
                Some(&found.process.command),
                process::command_name(pid).as_ref()
            );
        }
    }

    #[test]
    fn the_hosts_own_addresses_are_read() {
        let table = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.77.9.0\n        /24 link UNICAST\n     \
                     |-- 10.77.9.1\n        /32 host LOCAL\n     |-- 10.77.9.255\n        \
                     /32 link BROADCAST\n";
        assert_eq!(local_v4(table), ["10.77.9.1".parse::<IpAddr>().unwrap()]);
        assert!(
            own_addresses(std::process::id())
                .iter()
                .all(|ip| !ip.is_loopback())
        );
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        assert_eq!(read_address("0100007"), None);
        assert_eq!(read_address("0100007G"), None);
        assert_eq!(read_address("é00000000000000000000000000000"), None);
        assert_eq!(listening("head\n1: 2\n\nnonsense"), []);
    }
}
