//! A network namespace of a test's own: made, entered for the length of a closure, and removed
//! however the test ends.

use std::{
    fs::File,
    panic::resume_unwind,
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use anyhow::{Context, Result};
use nix::sched::{CloneFlags, setns};

use crate::programs::run;

/// What the names of all namespaces begin with that tests make.
pub const PREFIX: &str = "pt-";

/// Tells the namespaces of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A named network namespace with `lo` up. Removed when dropped.
#[derive(Debug)]
pub struct Netns {
    /// Its name below /run/netns.
    pub name: String,
    file: File,
}

impl Netns {
    /// Makes one with a name that nobody else has; `role` is its last part.
    ///
    /// # Errors
    /// Where it can't be made.
    pub fn new(role: &str) -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}-{role}", process::id());
        run("ip", &["netns", "add", &name])?;
        let file = File::open(format!("/run/netns/{name}"))
            .with_context(|| format!("opening network namespace {name}"))?;
        let netns = Self { name, file };
        netns.ip("link set lo up")?;
        Ok(netns)
    }

    /// Runs `ip` inside, with arguments separated by spaces; returns what it wrote.
    ///
    /// # Errors
    /// Where it fails.
    pub fn ip(&self, arguments: &str) -> Result<String> {
        let words: Vec<_> = ["-n", &self.name]
            .into_iter()
            .chain(arguments.split_whitespace())
            .collect();
        run("ip", &words)
    }

    /// Runs a closure on a thread inside. Sockets that it makes stay inside when they come out.
    ///
    /// # Errors
    /// The closure's own, or that of entering.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter()?;
                work()
            });
            inside.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Moves the calling thread inside, for good.
    ///
    /// # Errors
    /// Without the privilege.
    pub fn enter(&self) -> Result<()> {
        setns(&self.file, CloneFlags::CLONE_NEWNET)
            .with_context(|| format!("entering network namespace {}", self.name))
    }

    /// Takes the name away, as if somebody else had; what holds it open keeps it.
    ///
    /// # Errors
    /// Where it is gone already.
    pub fn unlink(&self) -> Result<()> {
        run("ip", &["netns", "delete", &self.name]).map(drop)
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        // It may be what the test was about that it is gone.
        let _ = self.unlink();
    }
}
