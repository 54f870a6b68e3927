//! A cgroup of a test's own, in the unified hierarchy. Removed when dropped.

use std::{
    fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};

/// Tells the cgroups of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A cgroup with nobody in it at first.
#[derive(Debug)]
pub struct Cgroup {
    /// Its path below the root of the hierarchy.
    pub path: String,
    folder: PathBuf,
}

impl Cgroup {
    /// Makes one with a name that nobody else has.
    ///
    /// # Errors
    /// Where the hierarchy isn't mounted, or can't be written.
    pub fn new() -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self::named(&format!("pt-{}-{number}", process::id()))
    }

    /// Makes one of a name.
    ///
    /// # Errors
    /// As for [`Cgroup::new`], and where there is one.
    pub fn named(name: &str) -> Result<Self> {
        let folder = root()?.join(name);
        fs::create_dir(&folder).with_context(|| format!("making cgroup {}", folder.display()))?;
        Ok(Self {
            path: format!("/{name}"),
            folder,
        })
    }

    /// Puts a process into it.
    ///
    /// # Errors
    /// Where the process is gone.
    pub fn take_in(&self, pid: u32) -> Result<()> {
        fs::write(self.folder.join("cgroup.procs"), pid.to_string())
            .with_context(|| format!("putting {pid} into cgroup {}", self.path))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // It goes once its processes have, which takes the kernel a moment.
        let _ = crate::wait_until("a cgroup to be empty", crate::patience::LONG, || {
            fs::remove_dir(&self.folder).is_ok() || !self.folder.exists()
        });
    }
}

/// Where the hierarchy is mounted.
fn root() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("reading the mounts")?;
    let mut mounts = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    let found = mounts.find(|mount| mount.get(2) == Some(&"cgroup2"));
    let path = found.context("the unified hierarchy is not mounted")?[1].to_owned();
    Ok(path.into())
}
