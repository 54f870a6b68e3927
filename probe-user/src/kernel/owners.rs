//! Who serves a port: kernel programs see the sockets of a server without its process, so the
//! process is looked up in /proc.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{
    netns::{Netns, NetnsRef},
    process,
};

/// A process that serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Process id.
    pub pid: u32,
    /// Command name.
    pub command: String,
    /// Path of its cgroup in the unified hierarchy.
    pub cgroup: String,
}

/// Looking through /proc is work: not more often than this.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Owners of ports, by cookie of the network namespace.
#[derive(Debug, Default)]
pub struct Owners {
    known: HashMap<(u64, u16), Owner>,
    cookies: HashMap<u64, Option<u64>>,
    looked: Option<Instant>,
}

impl Owners {
    /// Who serves a port; looks again for a port it doesn't know, but not all the time.
    pub fn of(&mut self, netns_cookie: u64, port: u16) -> Option<&Owner> {
        let key = (netns_cookie, port);
        let due = self.looked.is_none_or(|then| then.elapsed() >= AGAIN_AFTER);
        if !self.known.contains_key(&key) && due {
            self.look();
        }
        self.known.get(&key)
    }

    fn look(&mut self) {
        self.looked = Some(Instant::now());
        let mut seen = HashMap::new();
        for pid in process::all() {
            if let Some(inode) = process::netns_inode(pid) {
                seen.entry(inode).or_insert(pid);
            }
        }
        self.cookies.retain(|inode, _| seen.contains_key(inode));
        // Found anew, all of them: ports that nobody serves any more aren't kept.
        self.known.clear();
        for (inode, pid) in seen {
            let cookie = *self.cookies.entry(inode).or_insert_with(|| cookie_of(pid));
            let Some(cookie) = cookie else { continue };
            for (port, pid) in process::listeners(inode) {
                self.known.insert((cookie, port), owner(pid));
            }
        }
    }
}

fn cookie_of(pid: u32) -> Option<u64> {
    Netns::open(&NetnsRef::Pid(pid))
        .and_then(|netns| netns.cookie())
        .ok()
}

fn owner(pid: u32) -> Owner {
    Owner {
        pid,
        command: process::command_name(pid).unwrap_or_default(),
        cgroup: process::cgroup(pid).unwrap_or_default(),
    }
}
