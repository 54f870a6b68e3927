//! Which sockets are the near side's: those that its processes hold, or that were made in its
//! cgroup; and which local ports nobody else has.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use probe_common::rule::NearPort;

use super::super::{cgroups, process, sockets::AnySocket};
use crate::plan::NearSide;

/// Finds them again and again.
#[derive(Debug)]
pub struct Finder {
    near: NearSide,
    /// When its one process started: a later one of that id is another.
    started: Option<u64>,
    /// Inodes of sockets that wait for connections, and those of them that others hold, too.
    waiting: BTreeSet<u64>,
    shared: BTreeSet<u64>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Processes of the near side; none where it is a cgroup.
    pub pids: BTreeSet<u32>,
    /// Its sockets.
    pub sockets: Vec<AnySocket>,
    /// Cookies of sockets that somebody else holds.
    pub others: HashSet<u64>,
    /// Local ports that it alone waits on.
    pub ports: BTreeSet<NearPort>,
}

impl Finder {
    /// Finds sockets of a near side.
    pub fn new(near: NearSide) -> Self {
        let started = match near {
            NearSide::Process(pid) => process::started(pid),
            _ => None,
        };
        Self {
            near,
            started,
            waiting: BTreeSet::new(),
            shared: BTreeSet::new(),
        }
    }

    /// Sorts the sockets of a namespace. They have to be listed before this is called: a socket
    /// that was there by then and is held by one of the near side's is found with it.
    pub fn find(&mut self, sockets: Vec<AnySocket>) -> Found {
        let mut pids: BTreeSet<u32> = processes_of(&self.near).into_iter().collect();
        if let NearSide::Process(pid) = self.near {
            pids.retain(|_| process::started(pid) == self.started);
        }
        let is_near = self.test(&pids);
        let (near, others): (Vec<_>, Vec<_>) = sockets.into_iter().partition(is_near);
        self.look_for_sharers(&near, &pids);
        let ports = own_ports(&near, &others, &self.shared);
        // What nobody holds yet was just accepted, or is being closed.
        let others = others.iter().filter(|it| it.inode != 0);
        Found {
            pids,
            others: others.map(|it| it.cookie).collect(),
            sockets: near,
            ports,
        }
    }

    /// What tells the near side's sockets from others.
    fn test(&self, pids: &BTreeSet<u32>) -> impl Fn(&AnySocket) -> bool + use<> {
        let inodes: HashSet<u64> = pids
            .iter()
            .flat_map(|pid| process::socket_inodes(*pid))
            .collect();
        let cgroups = match &self.near {
            NearSide::Cgroup(cgroup) => cgroups::ids_below(cgroup),
            _ => HashSet::new(),
        };
        let is_everybody = !self.near.is_somebody();
        move |socket| {
            is_everybody
                || inodes.contains(&socket.inode)
                || socket.cgroup_id.is_some_and(|id| cgroups.contains(&id))
        }
    }

    /// Looks who else holds sockets that wait for connections: whose those will be that come by
    /// them can't be told. That is work, and so done only when there are other sockets.
    fn look_for_sharers(&mut self, near: &[AnySocket], pids: &BTreeSet<u32>) {
        let waiting: BTreeSet<u64> = near
            .iter()
            .filter(|it| is_waiting(it))
            .map(|it| it.inode)
            .collect();
        if waiting == self.waiting || !self.near.is_processes() {
            return;
        }
        let others = process::all().into_iter().filter(|pid| !pids.contains(pid));
        self.shared = others
            .flat_map(process::socket_inodes)
            .filter(|inode| waiting.contains(inode))
            .collect();
        self.waiting = waiting;
    }
}

/// Ids of the processes of a near side; none where it isn't told by processes.
pub(super) fn processes_of(near: &NearSide) -> Vec<u32> {
    if !near.is_processes() {
        return Vec::new();
    }
    let candidates = match near {
        NearSide::Process(pid) => vec![*pid],
        _ => process::all(),
    };
    let is_one =
        |pid: &u32| process::command_name(*pid).is_some_and(|it| near.has_process(*pid, &it));
    candidates.into_iter().filter(is_one).collect()
}

/// Whether packets of strangers may come by it.
fn is_waiting(socket: &AnySocket) -> bool {
    socket.is_listening || (socket.protocol == UDP && socket.remote.port() == 0)
}

const UDP: u8 = probe_common::address::protocol::UDP;

/// Ports that sockets of the near side wait on and no other socket has.
fn own_ports(
    near: &[AnySocket],
    others: &[AnySocket],
    shared: &BTreeSet<u64>,
) -> BTreeSet<NearPort> {
    let port_of = |it: &AnySocket| NearPort {
        port: it.local.port(),
        protocol: u16::from(it.protocol),
    };
    let mut own: BTreeMap<NearPort, bool> = BTreeMap::new();
    for socket in near.iter().filter(|it| is_waiting(it)) {
        let is_own = own.entry(port_of(socket)).or_insert(true);
        *is_own &= !shared.contains(&socket.inode);
    }
    for socket in others.iter().filter(|it| it.inode != 0) {
        own.remove(&port_of(socket));
    }
    own.retain(|_, is_own| *is_own);
    own.into_keys().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(inode: u64, port: u16, is_listening: bool) -> AnySocket {
        AnySocket {
            protocol: 6,
            is_listening,
            cookie: inode,
            inode,
            local: ([10, 0, 0, 1], port).into(),
            remote: ([10, 0, 0, 2], if is_listening { 0 } else { 80 }).into(),
            cgroup_id: None,
        }
    }

    #[test]
    fn a_port_is_its_own_while_nobody_else_has_it() {
        let near = [socket(1, 8080, true), socket(2, 40_000, false)];
        let own = |others: &[AnySocket], shared: &[u64]| {
            let shared = shared.iter().copied().collect();
            own_ports(&near, others, &shared).len()
        };
        assert_eq!(own(&[], &[]), 1);
        assert_eq!(own(&[socket(3, 8081, true)], &[]), 1);
        assert_eq!(own(&[socket(3, 8080, true)], &[]), 0);
        assert_eq!(own(&[socket(0, 8080, false)], &[]), 1, "not accepted yet");
        assert_eq!(own(&[], &[1]), 0);
    }

    #[test]
    fn this_process_is_found_with_its_sockets_and_no_others() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut finder = Finder::new(NearSide::Process(std::process::id()));
        let found = finder.find(super::super::super::sockets::list_any().unwrap());
        assert!(found.pids.contains(&std::process::id()));
        assert!(found.sockets.iter().any(|it| it.local.port() == port));
        assert!(found.ports.iter().any(|it| it.port == port));
        let mut finder = Finder::new(NearSide::Process(u32::MAX));
        let found = finder.find(super::super::super::sockets::list_any().unwrap());
        assert!(found.sockets.is_empty() && found.ports.is_empty());
    }
}
