//! The near side: who was asked for, and which of the sockets that are there are theirs.

mod find;
mod watch;

use anyhow::{Result, bail};

pub use find::Finder;
pub use watch::{Maps, Watch};

use super::{cgroups, netns::Netns, process};
use crate::plan::NearSide;

/// What was typed of a near side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Name or id of processes.
    pub process: Option<String>,
    /// Path of a cgroup, or the id of a container.
    pub cgroup: Option<String>,
}

impl Wanted {
    /// Whether nobody in particular was asked for.
    pub fn is_everybody(&self) -> bool {
        self.process.is_none() && self.cgroup.is_none()
    }
}

/// Looks up who was asked for.
///
/// # Errors
/// Where there is nobody of that name or id in the network namespace, or no such cgroup.
pub fn resolve(wanted: &Wanted, netns: &Netns) -> Result<NearSide> {
    match (&wanted.process, &wanted.cgroup) {
        (None, None) => Ok(NearSide::Everybody),
        (None, Some(cgroup)) => Ok(NearSide::Cgroup(cgroups::find(cgroup)?)),
        (Some(_), Some(_)) => bail!(
            "near side: both a process and a cgroup\nhint: give --process or --cgroup, not both"
        ),
        (Some(process), None) => processes(process, netns),
    }
}

fn processes(text: &str, netns: &Netns) -> Result<NearSide> {
    let near = match text.parse::<u32>() {
        Ok(pid) => NearSide::Process(pid),
        Err(_) => NearSide::Command(text.to_owned()),
    };
    let all = find::processes_of(&near);
    let [first, ..] = all.as_slice() else {
        bail!(
            "process \"{text}\": there is none\nhint: give the name that `ps -o comm` tells, or a \
             process id"
        );
    };
    let is_here = |pid: &u32| process::netns_inode(*pid) == Some(netns.inode);
    if !all.iter().any(is_here) {
        bail!(
            "process \"{text}\": it runs in another network namespace than \"{}\"\nhint: name \
             its own, as with --netns pid:{first}",
            netns.name
        );
    }
    Ok(near)
}
