//! Everything that probe could leave behind, before and after: in a network namespace, and on
//! the host. Only what probe could have made counts there; others work on the host as well.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;

use crate::{Ended, Netns, Probe, bpf::Object, patience::wait_for, probe::Kin, programs::run};

/// How long what is left may take to go: the kernel frees programs when it finds the time.
const PATIENCE: Duration = Duration::from_secs(5);

/// A namespace as it is: each thing and what it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<String, String>);

impl Snapshot {
    /// Takes one of a namespace: links, addresses, routes, rules, qdiscs, filters, settings.
    ///
    /// # Errors
    /// Where one of them can't be read.
    pub fn of(netns: &Netns) -> Result<Self> {
        netns.within(|| {
            let mut found = tables()?;
            for interface in fs::read_dir("/proc/thread-self/net/dev_snmp6")
                .into_iter()
                .flatten()
                .flatten()
            {
                let name = interface.file_name().to_string_lossy().into_owned();
                for way in ["ingress", "egress"] {
                    let filters = run("tc", &["filter", "show", "dev", &name, way]);
                    found.insert(format!("filter {name} {way}"), filters.unwrap_or_default());
                }
            }
            for folder in ["ipv4/conf", "ipv6/conf", "core"] {
                settings(&Path::new("/proc/sys/net").join(folder), &mut found);
            }
            Ok(Self(found))
        })
    }

    /// What is different now, one line a thing; nothing where all is as it was.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let names: BTreeSet<_> = self.0.keys().chain(now.0.keys()).collect();
        let differs = names
            .into_iter()
            .filter(|name| self.0.get(*name) != now.0.get(*name));
        differs
            .map(|name| format!("{name}: {:?} was {:?}", now.0.get(name), self.0.get(name)))
            .collect()
    }

    /// Waits until a namespace is as it was when this was taken.
    ///
    /// # Errors
    /// Where it isn't for long, with what is different.
    pub fn wait_for_return(&self, netns: &Netns) -> Result<()> {
        let mut last = Vec::new();
        wait_for("the namespace to be as it was", PATIENCE, || {
            last = self.differences(&Self::of(netns)?);
            Ok(last.is_empty().then_some(()))
        })
        .with_context(|| last.join("\n"))
    }
}

/// What one running probe has on the host, noted while it runs.
#[derive(Clone, Debug)]
pub struct Traces {
    pid: u32,
    objects: BTreeSet<Object>,
    kin: Kin,
}

/// Ends an injection by SIGTERM; what it made has to be gone then.
///
/// # Errors
/// Where it ends otherwise, or leaves something.
pub fn end_leaving_nothing(probe: Probe) -> Result<Ended> {
    let traces = Traces::of(&probe)?;
    let ended = probe.end(Signal::SIGTERM)?;
    ensure!(ended.code() == 3, "{ended:?}");
    traces.wait_until_gone()?;
    Ok(ended)
}

impl Traces {
    /// Notes what a probe holds.
    ///
    /// # Errors
    /// Where it has ended, or holds no kernel objects: then it was too early.
    pub fn of(probe: &Probe) -> Result<Self> {
        let objects = probe.objects()?;
        if objects.is_empty() {
            bail!("probe holds no kernel object yet");
        }
        Ok(Self {
            pid: probe.pid(),
            objects,
            kin: probe.family(),
        })
    }

    /// What of it is still there, besides its pages in /run/probe.
    pub fn left(&self) -> Vec<String> {
        let objects = self.objects.iter().filter(|object| object.is_there());
        let mut left: Vec<_> = objects.map(|object| format!("{object:?}")).collect();
        left.extend(self.kin.alive());
        left
    }

    /// Its pages in /run/probe: what has to be undone.
    pub fn pages(&self) -> Vec<String> {
        let prefix = format!("{}-", self.pid);
        let files = fs::read_dir("/run/probe").into_iter().flatten().flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(&prefix)).collect()
    }

    /// Waits until nothing of it is left, its pages excepted.
    ///
    /// # Errors
    /// Where something is for long, with what it is.
    pub fn wait_until_gone(&self) -> Result<()> {
        let mut last = Vec::new();
        wait_for("probe's traces to go", PATIENCE, || {
            last = self.left();
            Ok(last.is_empty().then_some(()))
        })
        .with_context(|| last.join("\n"))
    }
}

fn tables() -> Result<BTreeMap<String, String>> {
    let commands: [(&str, &[&str]); 7] = [
        ("links", &["ip", "-o", "link", "show"]),
        ("addresses", &["ip", "-o", "address", "show"]),
        ("routes", &["ip", "route", "show", "table", "all"]),
        ("routes6", &["ip", "-6", "route", "show", "table", "all"]),
        ("rules", &["ip", "rule", "show"]),
        ("rules6", &["ip", "-6", "rule", "show"]),
        ("qdiscs", &["tc", "qdisc", "show"]),
    ];
    commands
        .into_iter()
        .map(|(name, words)| Ok((name.to_owned(), run(words[0], &words[1..])?)))
        .collect()
}

/// Adds every setting below a folder that can be read.
fn settings(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            settings(&path, found);
        } else if let Ok(value) = fs::read_to_string(&path) {
            found.insert(path.display().to_string(), value.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(things: &[(&str, &str)]) -> Snapshot {
        let owned = things.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        Snapshot(owned.collect())
    }

    #[test]
    fn what_came_went_and_changed_is_told() {
        let before = snapshot(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let after = snapshot(&[("a", "1"), ("b", "2"), ("d", "1")]);
        assert!(before.differences(&before).is_empty());
        let told = before.differences(&after);
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(told[0], r#"b: Some("2") was Some("1")"#);
    }
}
