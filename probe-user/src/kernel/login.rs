//! What the session hangs on that probe was started in: the ports it came in by and the very
//! connections that carry it. Found from what SSH leaves in the environment, which sudo may have
//! taken away, and from the sockets of the processes that probe descends from.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use super::{
    netns::{Netns, NetnsRef},
    process,
    sockets::{self, Sockets},
};
use crate::protection::{Connection, Login};

/// What programs are called that let somebody in from outside. What an ancestor of such a name
/// listens on or is connected to carries sessions.
const DOORS: [&str; 8] = [
    "sshd",
    "dropbear",
    "telnetd",
    "in.telnetd",
    "mosh-server",
    "ttyd",
    "teleport",
    "tailscaled",
];

/// What the session of this process hangs on; what can't be looked at is left out.
pub fn find() -> Login {
    let mut login = Login::default();
    let own = std::process::id();
    let session = process::parent_and_session(own).map(|(_, session)| session);
    let ancestors = process::ancestors(own);
    for &pid in std::iter::once(&own).chain(&ancestors) {
        for name in ["SSH_CONNECTION", "SSH_CLIENT"] {
            if let Some(said) = process::variable(pid, name) {
                read_variable(&said, &mut login);
            }
        }
    }
    for &pid in &ancestors {
        let is_door = process::command_name(pid).is_some_and(|name| is_door(&name));
        let is_of_session = process::parent_and_session(pid).map(|(_, id)| id) == session;
        if is_door || !is_of_session {
            add_sockets_of(pid, is_door, &mut login);
        }
    }
    login
}

/// Names of programs, or of the processes that they split into: "sshd-session".
fn is_door(name: &str) -> bool {
    let belongs = |door: &&str| {
        let rest = name.strip_prefix(*door);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    DOORS.iter().any(belongs)
}

/// Adds the connections of a process and, of one that lets people in, its ports. Another that
/// stands outside of the session may be anybody's parent: of that, what it was called on only.
fn add_sockets_of(pid: u32, is_door: bool, login: &mut Login) {
    let inodes: HashSet<u64> = process::socket_inodes(pid).collect();
    let Some(sockets) = sockets_around(pid).filter(|_| !inodes.is_empty()) else {
        return;
    };
    for it in &sockets.connections {
        let was_called = sockets.listening.contains(&it.local_port);
        if !inodes.contains(&it.inode) || !(is_door || was_called) {
            continue;
        }
        login.connections.insert(Connection::new(
            SocketAddr::new(it.local, it.local_port),
            SocketAddr::new(it.remote, it.remote_port),
        ));
        if is_door && was_called {
            login.ports.insert(it.local_port);
        }
    }
}

/// The sockets of a process's network namespace.
fn sockets_around(pid: u32) -> Option<Sockets> {
    let netns = match process::netns_inode(pid) == process::netns_inode(std::process::id()) {
        true => NetnsRef::Own,
        false => NetnsRef::Pid(pid),
    };
    let listed = Netns::open(&netns).and_then(|netns| netns.within(sockets::list));
    listed
        .inspect_err(|error| log::info!("never-fault list: sockets of process {pid}: {error:#}"))
        .ok()
}

/// SSH_CONNECTION: client, its port, server, its port. SSH_CLIENT: client, its port, server's
/// port.
fn read_variable(said: &str, login: &mut Login) {
    let words: Vec<&str> = said.split_ascii_whitespace().collect();
    let address = |at: usize| {
        // A link-local address has its interface behind a %.
        let text: &str = words.get(at)?.split('%').next()?;
        text.parse::<IpAddr>().ok()
    };
    let port = |at: usize| words.get(at)?.parse::<u16>().ok();
    if let Some(served) = port(words.len().wrapping_sub(1)).filter(|_| words.len() >= 3) {
        login.ports.insert(served);
    }
    if let (4, Some(client), Some(from), Some(server), Some(to)) =
        (words.len(), address(0), port(1), address(2), port(3))
    {
        let (near, far) = (SocketAddr::new(server, to), SocketAddr::new(client, from));
        login.connections.insert(Connection::new(near, far));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_is_read() {
        let mut login = Login::default();
        read_variable("10.0.0.9 51234 10.0.0.1 2222", &mut login);
        read_variable("10.0.0.9 51234 2022", &mut login);
        read_variable("nonsense", &mut login);
        read_variable("", &mut login);
        assert_eq!(login.ports, [2022, 2222].into());
        let connections: Vec<_> = login.connections.iter().map(ToString::to_string).collect();
        assert_eq!(connections, ["10.0.0.1:2222 with 10.0.0.9:51234"]);
    }

    #[test]
    fn doors_are_known_by_their_first_name() {
        assert!(is_door("sshd") && is_door("sshd-session") && is_door("dropbear"));
        assert!(!is_door("bash") && !is_door("sshdx"));
    }
}
