//! What /proc tells about processes.

use std::{collections::HashMap, fs, os::unix::fs::MetadataExt};

use probe_common::question::DNS_PORT;

/// When a process started, in clock ticks since boot: with the pid, who it is. `None` where
/// there is no such process, or only what its parent hasn't asked for yet.
pub fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name, in parentheses, may hold anything; the twenty-second field is the
    // twentieth behind it.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// What /proc/PID/stat tells of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its id.
    pub pid: u32,
    /// Its state: `R`, `S`, `T` …
    pub state: char,
    /// Its parent.
    pub parent: u32,
    /// When it started, in clock ticks since boot.
    pub started: u64,
    /// Whether it is the kernel's own.
    pub is_kernel: bool,
}

impl Stat {
    /// Reads it; `None` where there is no such process.
    pub fn of(pid: u32) -> Option<Self> {
        Self::read(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn read(pid: u32, stat: &str) -> Option<Self> {
        // Of the kernel's own threads.
        const PF_KTHREAD: u64 = 0x0020_0000;
        let fields = stat.rsplit_once(')')?.1;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
        Some(Self {
            pid,
            state: fields.first()?.chars().next()?,
            parent: number(1)? as u32,
            started: number(19)?,
            is_kernel: number(6)? & PF_KTHREAD != 0,
        })
    }

    /// Whether it is stopped, by a signal or a debugger.
    pub fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    /// Whether it has ended, and only its parent hasn't asked for it yet.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// Whether this process was started with a signal ignored, or came to ignore it.
pub fn ignores_signal(signal: i32) -> bool {
    let ignored = status_field("SigIgn:").and_then(|hex| u64::from_str_radix(&hex, 16).ok());
    ignored.is_some_and(|ignored| ignored >> (signal - 1) & 1 == 1)
}

/// A field of this process's /proc/self/status; `name` with its colon.
pub fn status_field(name: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().to_owned())
}

/// The parent of a process and the session it belongs to. `None` where there is no such process.
pub fn parent_and_session(pid: u32) -> Option<(u32, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the command name: state, parent, process group, session.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(1);
    let parent = fields.next()?.parse().ok()?;
    Some((parent, fields.nth(1)?.parse().ok()?))
}

/// The processes that a process descends from, the nearest first, without the first of all.
pub fn ancestors(pid: u32) -> Vec<u32> {
    let mut line = Vec::new();
    let mut next = parent_and_session(pid).map(|(parent, _)| parent);
    while let Some(pid) = next.filter(|pid| *pid > 1 && !line.contains(pid)) {
        line.push(pid);
        next = parent_and_session(pid).map(|(parent, _)| parent);
    }
    line
}

/// The value of a variable in the environment that a process was started with; `None` also where
/// it isn't this user's to read.
pub fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|&byte| byte == 0).find_map(|entry| {
        let value = std::str::from_utf8(entry).ok()?.strip_prefix(name)?;
        Some(value.strip_prefix('=')?.to_owned())
    })
}

/// Command name of a process.
pub fn command_name(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/comm"))
        .ok()
        .map(|name| name.trim_end().to_owned())
}

/// Path of a process's cgroup in the unified hierarchy.
pub fn cgroup(pid: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("0::"))
        .map(str::to_owned)
}

/// Ids of all processes there are.
pub fn all() -> Vec<u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// Inode of a process's network namespace.
pub fn netns_inode(pid: u32) -> Option<u64> {
    Some(fs::metadata(format!("/proc/{pid}/ns/net")).ok()?.ino())
}

/// Which processes listen on which TCP port, or are asked at DNS's over UDP, in the network
/// namespace of that inode; the lowest process id where several share one.
pub fn listeners(netns_inode_wanted: u64) -> HashMap<u16, u32> {
    let mut ports = HashMap::new();
    let mut sockets: Option<HashMap<u64, u16>> = None;
    let mut pids = all();
    pids.sort_unstable();
    for pid in pids {
        if netns_inode(pid) != Some(netns_inode_wanted) {
            continue;
        }
        let sockets = sockets.get_or_insert_with(|| listening_sockets(pid));
        for inode in socket_inodes(pid) {
            if let Some(&port) = sockets.get(&inode) {
                ports.entry(port).or_insert(pid);
            }
        }
    }
    ports
}

/// Listening TCP sockets of a process's network namespace, and those that DNS servers have over
/// UDP: inode to port.
fn listening_sockets(pid: u32) -> HashMap<u64, u16> {
    const LISTEN: &str = "0A";
    const UNCONNECTED: &str = "07";
    let mut sockets = HashMap::new();
    for (table, wanted) in [
        ("tcp", LISTEN),
        ("tcp6", LISTEN),
        ("udp", UNCONNECTED),
        ("udp6", UNCONNECTED),
    ] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<_> = line.split_ascii_whitespace().collect();
            let [_, local, _, state, ..] = fields[..] else {
                continue;
            };
            if state != wanted {
                continue;
            }
            let port = local
                .rsplit_once(':')
                .and_then(|(_, p)| u16::from_str_radix(p, 16).ok());
            let inode = fields.get(9).and_then(|inode| inode.parse().ok());
            if let (Some(port), Some(inode)) = (port, inode)
                && (wanted == LISTEN || port == DNS_PORT)
            {
                sockets.insert(inode, port);
            }
        }
    }
    sockets
}

/// Which process holds which socket, by the socket's inode, in the network namespace of that
/// inode; the lowest process id where several hold one.
pub fn socket_owners(netns_inode_wanted: u64) -> HashMap<u64, u32> {
    let mut owners = HashMap::new();
    let mut pids = all();
    pids.sort_unstable();
    for pid in pids
        .into_iter()
        .filter(|&pid| netns_inode(pid) == Some(netns_inode_wanted))
    {
        for inode in socket_inodes(pid) {
            owners.entry(inode).or_insert(pid);
        }
    }
    owners
}

/// Id of a process's cgroup in the unified hierarchy: the inode of its folder.
pub fn cgroup_id(pid: u32) -> Option<u64> {
    let root = super::observer::unified_hierarchy().ok()?;
    let path = cgroup(pid)?;
    Some(
        fs::metadata(root.join(path.trim_start_matches('/')))
            .ok()?
            .ino(),
    )
}

/// Inodes of the sockets that a process holds.
pub fn socket_inodes(pid: u32) -> impl Iterator<Item = u64> {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let link = fs::read_link(entry.ok()?.path()).ok()?;
            link.to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?
                .parse()
                .ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known() {
        let pid = std::process::id();
        assert!(started(pid).unwrap() > 0);
        assert!(command_name(pid).is_some());
        assert!(netns_inode(pid).is_some());
        assert_eq!(started(u32::MAX), None);
    }

    #[test]
    fn a_command_name_may_hold_anything() {
        let stat = "7 (a) b (c) T 3 7 7 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        let read = Stat::read(7, stat).unwrap();
        assert_eq!((read.state, read.parent, read.started), ('T', 3, 4711));
        assert!(read.is_kernel && read.is_stopped() && !read.has_ended());
        let own = Stat::of(std::process::id()).unwrap();
        assert_eq!(Some(own.started), started(own.pid));
        assert!(!own.is_kernel);
        assert_eq!(Stat::read(7, "7 (cut off) S 1"), None);
    }

    #[test]
    fn a_listener_is_found_by_its_port() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let pid = std::process::id();
        assert_eq!(listeners(netns_inode(pid).unwrap()).get(&port), Some(&pid));
    }
}
