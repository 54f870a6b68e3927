//! Network namespaces with names under /run/netns, made and removed the way `ip netns` does it.
//! It never changes the namespace of the thread that calls it, except in [`enter`].

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::thread;

use anyhow::{Context, Result, anyhow};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

use crate::topology::NETNS_DIRECTORY;

const NONE: Option<&str> = None;

/// Makes a network namespace and binds it to `path`, which must not exist yet.
pub(crate) fn create(path: &Path) -> Result<()> {
    prepare_directory()?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o444)
        .open(path)
        .with_context(|| format!("create namespace {}", path.display()))?;
    // A thread of its own: it takes the new namespace with it when it ends.
    on_thread(|| {
        unshare(CloneFlags::CLONE_NEWNET).context("make a network namespace")?;
        mount(
            Some("/proc/thread-self/ns/net"),
            path,
            NONE,
            MsFlags::MS_BIND,
            NONE,
        )
        .with_context(|| format!("bind namespace to {}", path.display()))
    })
}

/// Removes a namespace's name; one that isn't there is no error. The namespace itself goes with
/// the last process in it.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match umount2(path, MntFlags::MNT_DETACH) {
        // Not mounted: killed between making the file and binding to it.
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {}
        Err(errno) => return Err(errno).with_context(|| format!("unmount {}", path.display())),
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Moves the calling thread into the namespace at `path`; threads it starts afterwards follow.
pub(crate) fn enter(path: &Path) -> Result<()> {
    let file = File::open(path).with_context(|| format!("open namespace {}", path.display()))?;
    setns(file, CloneFlags::CLONE_NEWNET)
        .with_context(|| format!("enter namespace {}", path.display()))
}

/// Runs `work` on a thread inside the namespace at `path`, and waits for it.
pub(crate) fn inside<T: Send>(path: &Path, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    on_thread(|| {
        enter(path)?;
        work()
    })
}

fn on_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| scope.spawn(work).join())
        .unwrap_or_else(|_| Err(anyhow!("a thread panicked")))
}

/// Makes /run/netns a shared mount, so that names made here are seen in every mount namespace.
fn prepare_directory() -> Result<()> {
    let attempt = || -> Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(NETNS_DIRECTORY)?;
        // Two at once would stack two mounts; iproute2 takes the same lock.
        let directory = File::open(NETNS_DIRECTORY)?;
        directory.lock()?;
        let share = || {
            let flags = MsFlags::MS_SHARED | MsFlags::MS_REC;
            mount(Some(""), NETNS_DIRECTORY, Some("none"), flags, NONE)
        };
        if share() == Err(Errno::EINVAL) {
            let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
            mount(
                Some(NETNS_DIRECTORY),
                NETNS_DIRECTORY,
                Some("none"),
                flags,
                NONE,
            )?;
            share()?;
        }
        Ok(())
    };
    attempt().with_context(|| format!("prepare {NETNS_DIRECTORY}"))
}
