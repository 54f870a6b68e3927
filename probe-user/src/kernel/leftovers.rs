//! What has to be undone if probe is killed: noted in /run/probe before it is done, undone and
//! struck out at the end, or by the next probe that starts.
//!
//! Most of what probe makes goes with its process: links, maps, the TAP device. Three things
//! don't: settings of `lo`, without which delayed loopback packets would be refused; on kernels
//! without TCX, filters and clsact qdiscs; and processes that are stopped, where the guardian that
//! continues them was killed, too.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{
    attach, interfaces,
    netns::{Netns, NetnsRef},
    pidfd, process,
};

const DIRECTORY: &str = "/run/probe";

/// One thing to undo, in the ledger's network namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leftover {
    /// A setting below /proc/sys that was changed.
    Setting {
        /// Its path.
        path: String,
        /// What it was.
        was: String,
        /// What it was made.
        set_to: String,
    },
    /// A clsact qdisc that was added.
    Clsact {
        /// To which interface.
        interface: String,
    },
    /// Filters of the process that were added to a clsact qdisc.
    Filters {
        /// Of which interface.
        interface: String,
    },
    /// A process that was stopped. It is in no network namespace's keeping.
    Stopped {
        /// Its id.
        pid: u32,
        /// When it started, in clock ticks since boot.
        started: u64,
    },
}

/// What one process has to undo in one network namespace; undone when dropped.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    page: Page,
}

#[derive(Debug, Serialize, Deserialize)]
struct Page {
    pid: u32,
    started: u64,
    netns: String,
    netns_inode: u64,
    leftovers: Vec<Leftover>,
}

impl Ledger {
    /// Opens an empty ledger for a namespace. No file is made before there is something to note.
    pub fn open(netns: &Netns) -> Self {
        let pid = std::process::id();
        let own = std::path::absolute(format!("/proc/{pid}/ns/net"));
        let netns_path = match (&netns.name, own) {
            (NetnsRef::Own, Ok(path)) => path.display().to_string(),
            (name, _) => name.to_string(),
        };
        Self {
            path: [DIRECTORY, &format!("{pid}-{}.json", netns.inode)]
                .iter()
                .collect(),
            page: Page {
                pid,
                started: process::started(pid).unwrap_or(0),
                netns: netns_path,
                netns_inode: netns.inode,
                leftovers: Vec::new(),
            },
        }
    }

    /// Opens another one for the same namespace, for what is done on another thread.
    pub fn open_beside(netns: &Netns, what: &str) -> Self {
        let mut ledger = Self::open(netns);
        let name = format!("{}-{}-{what}.json", ledger.page.pid, netns.inode);
        ledger.path.set_file_name(name);
        ledger
    }

    /// Notes several things at once.
    ///
    /// # Errors
    /// As for [`Ledger::note`].
    pub fn note_all(&mut self, leftovers: impl IntoIterator<Item = Leftover>) -> Result<()> {
        let known = self.page.leftovers.len();
        for leftover in leftovers {
            if !self.page.leftovers.contains(&leftover) {
                self.page.leftovers.push(leftover);
            }
        }
        match self.page.leftovers.len() == known {
            true => Ok(()),
            false => self.write_down(),
        }
    }

    /// Strikes out one thing that was not done after all.
    ///
    /// # Errors
    /// As for [`Ledger::note`].
    pub fn strike(&mut self, leftover: &Leftover) -> Result<()> {
        self.page.leftovers.retain(|noted| noted != leftover);
        self.write_down()
    }

    /// Notes one thing, on disk before it returns; once is enough.
    ///
    /// # Errors
    /// Where /run can't be written: then the thing must not be done.
    pub fn note(&mut self, leftover: Leftover) -> Result<()> {
        if self.page.leftovers.contains(&leftover) {
            return Ok(());
        }
        self.page.leftovers.push(leftover);
        self.write_down()
    }

    fn write_down(&self) -> Result<()> {
        self.write()
            .with_context(|| format!("noting what has to be undone in {}", self.path.display()))
    }

    /// Whether another probe noted the same thing in the same namespace.
    pub fn others_note(&self, leftover: &Leftover) -> bool {
        pages().iter().any(|(path, page)| {
            *path != self.path
                && page.netns_inode == self.page.netns_inode
                && page.leftovers.contains(leftover)
        })
    }

    /// Changes a setting below /proc/sys, in the calling thread's namespace, noting what it was.
    ///
    /// # Errors
    /// Where it can't be read, noted or written.
    pub fn set(&mut self, path: &str, value: &str) -> Result<()> {
        let was = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
        if was.trim() == value {
            return Ok(());
        }
        self.note(Leftover::Setting {
            path: path.to_owned(),
            was: was.trim().to_owned(),
            set_to: value.to_owned(),
        })?;
        fs::write(path, value).with_context(|| format!("writing {path}"))
    }

    /// Undoes everything, in the calling thread's namespace.
    pub fn settle(&mut self) {
        self.page.undo();
        self.page.leftovers.clear();
        let _ = fs::remove_file(&self.path);
    }

    fn write(&self) -> Result<()> {
        fs::create_dir_all(DIRECTORY)?;
        let fresh = self.path.with_extension("new");
        fs::write(&fresh, serde_json::to_vec(&self.page)?)?;
        Ok(fs::rename(fresh, &self.path)?)
    }
}

impl Page {
    fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Undoes what is noted, in the calling thread's namespace, last things first.
    fn undo(&self) {
        for leftover in self.leftovers.iter().rev() {
            if let Err(error) = leftover.undo(self.pid) {
                log::warn!("clearing up: {error:#}");
            }
        }
    }

    /// Continues the processes that are noted; tells how many there were.
    fn continue_stopped(&self) -> usize {
        let mut continued = 0;
        for leftover in &self.leftovers {
            if let Leftover::Stopped { pid, started } = leftover {
                match pidfd::go_on(*pid, *started) {
                    Ok(was_there) => continued += usize::from(was_there),
                    Err(error) => log::warn!("continuing process {pid}: {error}"),
                }
            }
        }
        continued
    }

    fn owner_lives(&self) -> bool {
        process::started(self.pid) == Some(self.started)
    }

    /// The namespace, if it is still there and the same.
    fn netns(&self) -> Option<Netns> {
        let is_it = |netns: &Netns| netns.inode == self.netns_inode;
        let open = |name: NetnsRef| Netns::open(&name).ok().filter(is_it);
        let by_name = NetnsRef::parse(&self.netns).ok().and_then(open);
        // Its name may have gone with the process that it was of, and it be there all the same.
        by_name
            .or_else(|| open(NetnsRef::Own))
            .or_else(|| {
                let inhabited = |pid: &u32| process::netns_inode(*pid) == Some(self.netns_inode);
                open(NetnsRef::Pid(process::all().into_iter().find(inhabited)?))
            })
            .or_else(|| {
                let mut named = fs::read_dir("/run/netns").into_iter().flatten().flatten();
                named.find_map(|file| open(NetnsRef::Path(file.path())))
            })
    }
}

impl Leftover {
    /// Undoes one thing that a process did.
    fn undo(&self, pid: u32) -> Result<()> {
        match self {
            // Somebody else may have changed it since; then it is theirs.
            Self::Setting { path, was, set_to } => {
                if fs::read_to_string(path).is_ok_and(|now| now.trim() == set_to) {
                    fs::write(path, was).with_context(|| format!("restoring {path}"))?;
                }
                Ok(())
            }
            Self::Clsact { interface } => match interfaces::named(interface) {
                Ok(interface) if is_unused_clsact(interface.index)? => {
                    interfaces::remove_clsact(interface.index)
                }
                _ => Ok(()),
            },
            Self::Filters { interface } => match interfaces::named(interface) {
                Ok(_) => attach::remove_filters(interface, pid),
                Err(_) => Ok(()),
            },
            Self::Stopped { pid, started } => pidfd::go_on(*pid, *started)
                .map(drop)
                .with_context(|| format!("continuing process {pid}")),
        }
    }
}

/// Continues every process that any probe notes to have stopped, whether that probe lives or not:
/// for who has thrown the kill switches.
pub fn continue_stopped() -> usize {
    pages()
        .iter()
        .map(|(_, page)| page.continue_stopped())
        .sum()
}

/// Whether an interface has a clsact qdisc that nobody has a filter on.
fn is_unused_clsact(index: u32) -> Result<bool> {
    Ok(interfaces::has_clsact(index)? && !interfaces::has_filters(index)?)
}

/// Undoes what probes that are no longer there left behind; tells how many there were.
pub fn clear() -> usize {
    let mut cleared = 0;
    for (path, page) in abandoned() {
        page.continue_stopped();
        if let Some(netns) = page.netns() {
            let undone = netns.within(|| {
                page.undo();
                Ok(())
            });
            if let Err(error) = undone {
                log::warn!("clearing up after process {}: {error:#}", page.pid);
                continue;
            }
        }
        // A namespace that is gone took its settings with it, and processes are continued.
        let _ = fs::remove_file(path);
        cleared += 1;
    }
    cleared
}

/// How many dead probes left something behind.
pub fn count() -> usize {
    abandoned().len()
}

fn abandoned() -> Vec<(PathBuf, Page)> {
    let mut pages = pages();
    pages.retain(|(_, page)| !page.owner_lives());
    pages
}

/// Every probe's page, dead or alive.
fn pages() -> Vec<(PathBuf, Page)> {
    fs::read_dir(DIRECTORY)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let page = Page::read(&path)?;
            Some((path, page))
        })
        .collect()
}
