//! Which processes are the near side's, and which of those are left alone whatever is asked:
//! stopped or killed, they would take probe, or the host, along.

use std::{collections::BTreeSet, fmt, os::unix::fs::MetadataExt};

use anyhow::{Result, bail};

use super::super::{cgroups, process, process::Stat};
use crate::plan::NearSide;

/// A process: who it is, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Its id.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub started: u64,
}

/// Processes of a near side.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// Those that faults act on.
    pub chosen: BTreeSet<Member>,
    /// Those that are left alone, and why.
    pub spared: Vec<(Member, Why)>,
}

/// Why a process is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is a probe, or was started by this one.
    Probe,
    /// This probe descends from it.
    Ancestor,
    /// It is the first of all.
    Init,
    /// It is the kernel's own.
    Kernel,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Probe => "is probe's own",
            Self::Ancestor => "is what probe was started from",
            Self::Init => "is the first process of all",
            Self::Kernel => "is the kernel's own",
        })
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = process::command_name(self.pid);
        write!(f, "{} {}", name.as_deref().unwrap_or("process"), self.pid)
    }
}

/// Looks for the processes of a near side in one network namespace.
#[derive(Clone, Debug)]
pub struct Finder {
    near: NearSide,
    netns_inode: u64,
    /// When its one process started: a later one of that id is another.
    started: Option<u64>,
    ancestors: Vec<u32>,
    own_program: Option<(u64, u64)>,
}

impl Finder {
    /// Looks for those of a near side.
    pub fn new(near: &NearSide, netns_inode: u64) -> Self {
        let started = match near {
            NearSide::Process(pid) => process::started(*pid),
            _ => None,
        };
        Self {
            near: near.clone(),
            netns_inode,
            started,
            ancestors: process::ancestors(std::process::id()),
            own_program: program(std::process::id()),
        }
    }

    /// Those that are there now and not known yet.
    pub fn find(&self, known: &BTreeSet<Member>) -> Members {
        let mut members = Members::default();
        for stat in self.candidates().into_iter().filter_map(Stat::of) {
            let is_other =
                matches!(self.near, NearSide::Process(_)) && self.started != Some(stat.started);
            if stat.has_ended() || is_other {
                continue;
            }
            let member = Member {
                pid: stat.pid,
                started: stat.started,
            };
            if known.contains(&member) {
                continue;
            }
            // Kernel threads are in no namespace of ours, and told all the same.
            let is_here = process::netns_inode(stat.pid) == Some(self.netns_inode);
            if !is_here && !stat.is_kernel {
                continue;
            }
            match self.why_spared(&stat) {
                Some(why) => members.spared.push((member, why)),
                None => {
                    members.chosen.insert(member);
                }
            }
        }
        members
    }

    /// The same, of which there has to be one at least.
    ///
    /// # Errors
    /// Where there is none, or none but such as are left alone.
    pub fn find_some(&self) -> Result<Members> {
        let members = self.find(&BTreeSet::new());
        match (members.chosen.is_empty(), members.spared.first()) {
            (false, _) => Ok(members),
            (true, Some((member, why))) => bail!(
                "{}: {member} {why}, and is left alone\nhint: name other processes",
                self.near
            ),
            (true, None) => bail!(
                "{}: there is no process of it in this network namespace\nhint: see `ps -o \
                 pid,comm,cgroup`, and name their namespace with --netns",
                self.near
            ),
        }
    }

    fn candidates(&self) -> Vec<u32> {
        match &self.near {
            NearSide::Everybody => Vec::new(),
            NearSide::Process(pid) => vec![*pid],
            NearSide::Cgroup(cgroup) => cgroups::processes_in(cgroup),
            NearSide::Command(_) => {
                let is_one = |pid: &u32| {
                    process::command_name(*pid).is_some_and(|it| self.near.has_process(*pid, &it))
                };
                process::all().into_iter().filter(is_one).collect()
            }
        }
    }

    fn why_spared(&self, stat: &Stat) -> Option<Why> {
        let own = std::process::id();
        // Other probes' faults would outlive their lease, or end by it.
        let is_probe = || self.own_program.is_some() && program(stat.pid) == self.own_program;
        if stat.pid == 1 {
            Some(Why::Init)
        } else if stat.is_kernel {
            Some(Why::Kernel)
        } else if self.ancestors.contains(&stat.pid) {
            Some(Why::Ancestor)
        } else if stat.pid == own || is_probe() || process::ancestors(stat.pid).contains(&own) {
            Some(Why::Probe)
        } else {
            None
        }
    }
}

/// The file that a process runs: device and inode.
fn program(pid: u32) -> Option<(u64, u64)> {
    let file = std::fs::metadata(format!("/proc/{pid}/exe")).ok()?;
    Some((file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn find(pid: u32) -> Result<Members> {
        let here = process::netns_inode(std::process::id()).unwrap_or_default();
        Finder::new(&NearSide::Process(pid), here).find_some()
    }

    #[test]
    fn probe_and_what_it_was_started_from_are_left_alone() {
        let own = std::process::id();
        let error = find(own).unwrap_err().to_string();
        assert!(
            error.contains("is probe's own, and is left alone\nhint: "),
            "{error}"
        );
        let parent = std::os::unix::process::parent_id();
        if parent > 1 {
            let error = find(parent).unwrap_err().to_string();
            assert!(error.contains("is what probe was started from"), "{error}");
        }
    }

    #[test]
    fn children_of_probe_are_left_alone() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let found = find(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.unwrap_err().to_string().contains("is probe's own"));
        let error = find(child.id()).unwrap_err().to_string();
        assert!(error.contains("there is no process of it"), "{error}");
    }

    #[test]
    fn the_first_process_is_left_alone() {
        let here = process::netns_inode(1).unwrap_or_default();
        let finder = Finder::new(&NearSide::Process(1), here);
        assert!(finder.find(&BTreeSet::new()).chosen.is_empty());
    }
}
