//! Services as people think of them: processes of one name in one place taken together, each with
//! what it serves and what it calls.

use std::net::SocketAddr;

use super::Observation;
use crate::model::{
    Histogram, Party, Process, Service, container::Container, listener::Listener, names::Source,
};

/// One service: its inbound and its outbound calls.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Command name; empty where nobody knows.
    pub command: String,
    /// Its cgroup.
    pub cgroup: String,
    /// Cookie of its network namespace.
    pub netns_cookie: u64,
    /// The processes that were seen of it.
    pub pids: Vec<u32>,
    /// What it serves.
    pub serves: Vec<Row>,
    /// What it calls.
    pub calls: Vec<Row>,
}

/// One port that is served, or one dependency.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// What it is called: where it listens, or the dependency's name.
    pub name: String,
    /// The name by itself, where `name` had to be told apart from others.
    pub plain: String,
    /// Where its name is from; of no meaning for what is served.
    pub named: Source,
    /// Where it is: what was seen of it.
    pub at: Vec<SocketAddr>,
    /// The port, of the first far side where there are several.
    pub port: u16,
    /// Wire protocol.
    pub protocol: &'static str,
    /// Transport protocol.
    pub transport: &'static str,
    /// Calls that ended.
    pub calls: u64,
    /// Those that failed.
    pub errors: u64,
    /// Those that the caller gave up.
    pub abandoned: u64,
    /// Latencies of those that were answered.
    pub latency: Histogram,
    /// Calls that wait.
    pub in_flight: u32,
    /// The most that waited at once, in any one process.
    pub in_flight_max: u32,
}

impl Row {
    fn add(&mut self, party: &Party) {
        let total = party.total();
        self.calls += total.calls;
        self.errors += total.errors;
        self.abandoned += total.abandoned;
        self.latency.merge(&total.latency);
        self.in_flight += party.in_flight;
        self.in_flight_max = self.in_flight_max.max(party.in_flight_max);
        if matches!(self.protocol, "" | "unknown") {
            self.protocol = party.protocol();
        }
    }

    /// Calls a second over a span.
    pub fn rate(&self, window_ms: u64) -> f64 {
        self.calls as f64 * 1_000.0 / window_ms.max(1) as f64
    }
}

impl Group {
    /// What it is called.
    pub fn title(&self) -> &str {
        match self.command.as_str() {
            "" => "(unknown process)",
            command => command,
        }
    }

    /// Who it is beside its name: its process or how many there are, and its container.
    pub fn who(&self) -> String {
        let processes = match self.pids.as_slice() {
            [] => String::new(),
            [pid] => format!("pid {pid}"),
            several => format!("{} processes", several.len()),
        };
        match Container::at(&self.cgroup) {
            Some(container) if processes.is_empty() => format!("container {}", container.short()),
            Some(container) => format!("{processes}, container {}", container.short()),
            None => processes,
        }
    }

    /// Calls of its own and to it.
    fn total(&self) -> u64 {
        let rows = self.serves.iter().chain(&self.calls);
        rows.map(|row| row.calls).sum()
    }
}

/// The services of an observation, those with most calls first.
pub fn of(seen: &Observation<'_>) -> Vec<Group> {
    let mut groups = Vec::new();
    add_served(&mut groups, seen);
    add_called(&mut groups, seen);
    for group in &mut groups {
        tell_ports_apart(&mut group.calls);
        let order = |a: &Row, b: &Row| b.calls.cmp(&a.calls).then_with(|| a.name.cmp(&b.name));
        group.serves.sort_by(order);
        group.calls.sort_by(order);
        group.pids.sort_unstable();
    }
    groups.sort_by(|a, b| {
        let key = |it: &Group| (it.command.clone(), it.cgroup.clone(), it.pids.clone());
        b.total().cmp(&a.total()).then_with(|| key(a).cmp(&key(b)))
    });
    groups
}

fn add_served(groups: &mut Vec<Group>, seen: &Observation<'_>) {
    for it in seen.model.services_in_scope() {
        let group = group(
            groups,
            &it.process,
            &it.process.command,
            it.netns_cookie,
            it.pid,
        );
        let listener = seen.listener(it.netns_cookie, it.port);
        let mut row = Row {
            name: listener.map_or_else(|| format!(":{}", it.port), |it| listening_at(it.address)),
            at: reached_at(it, listener),
            port: it.port,
            transport: "tcp",
            ..Row::default()
        };
        row.add(&it.party);
        group.serves.push(row);
    }
}

/// Where a service was reached, and where else it would be.
fn reached_at(it: &Service, listener: Option<&Listener>) -> Vec<SocketAddr> {
    let mut addresses = it.addresses.clone();
    addresses.extend(listener.iter().flat_map(|it| &it.addresses));
    addresses.sort_unstable();
    addresses.dedup();
    addresses.iter().map(|ip| (*ip, it.port).into()).collect()
}

fn add_called(groups: &mut Vec<Group>, seen: &Observation<'_>) {
    let nobody = Process::default();
    for it in seen.model.dependencies() {
        let caller = seen.model.process(it.pid).unwrap_or(&nobody);
        let group = group(groups, caller, &it.service, it.netns_cookie(), it.pid);
        let same = |row: &Row| {
            row.name == it.name
                && row.transport == it.transport()
                && (it.named == Source::Scenario || row.port == it.remote.port())
        };
        let at = group.calls.iter().position(same).unwrap_or_else(|| {
            group.calls.push(Row {
                name: it.name.clone(),
                plain: it.name.clone(),
                named: it.named,
                port: it.remote.port(),
                transport: it.transport(),
                ..Row::default()
            });
            group.calls.len() - 1
        });
        let row = &mut group.calls[at];
        row.add(&it.party);
        for remote in it.remotes() {
            if !row.at.contains(&remote) {
                row.at.push(remote);
            }
        }
    }
}

/// The group of a process, made where there is none yet.
fn group<'a>(
    groups: &'a mut Vec<Group>,
    process: &Process,
    command: &str,
    netns_cookie: u64,
    pid: u32,
) -> &'a mut Group {
    let same = |it: &Group| {
        it.command == command && it.cgroup == process.cgroup && it.netns_cookie == netns_cookie
    };
    let at = groups.iter().position(same).unwrap_or_else(|| {
        groups.push(Group {
            command: command.to_owned(),
            cgroup: process.cgroup.clone(),
            netns_cookie,
            ..Group::default()
        });
        groups.len() - 1
    });
    let group = &mut groups[at];
    if pid != 0 && !group.pids.contains(&pid) {
        group.pids.push(pid);
    }
    group
}

/// Dependencies of one name on several ports get the port to their name.
fn tell_ports_apart(rows: &mut [Row]) {
    let names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
    for row in rows.iter_mut() {
        let is_alone = names.iter().filter(|name| **name == row.name).count() == 1;
        if row.transport == "udp" && !is_alone {
            row.name = format!("{} udp", row.name);
        } else if !is_alone && row.named != Source::Address {
            row.name = format!("{}:{}", row.name, row.port);
        }
    }
}

/// Where a port is bound, in few words.
pub(super) fn listening_at(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!(":{}", address.port()),
        false => address.to_string(),
    }
}
