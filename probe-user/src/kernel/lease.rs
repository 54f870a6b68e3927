//! The lease: a thread tells the kernel programs, several times a second, that somebody still
//! answers for the faults. Stopped or dead, it doesn't, and they leave packets alone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result};
use aya::maps::{Array, MapData};

use super::clock;

/// How long one renewal holds: well under the second within which a dead probe's faults end,
/// well over what a busy machine may keep a thread waiting.
pub const LEASE: Duration = Duration::from_millis(600);
/// How often it is renewed.
pub const RENEWAL: Duration = Duration::from_millis(100);

/// Renews until dropped; then the lease is over at once.
#[derive(Debug)]
pub struct Lease {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Lease {
    /// Grants the lease and keeps it up.
    ///
    /// # Errors
    /// Where the first grant fails.
    pub fn keep(mut map: Array<MapData, u64>) -> Result<Self> {
        grant(&mut map, clock::now_ns() + LEASE.as_nanos() as u64)
            .context("granting the lease of the faults")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("probe-lease".into())
            .spawn(move || {
                let _ = super::delay_line::prefer_this_thread();
                while !stopped.load(Ordering::Relaxed) {
                    // A renewal that fails is one that doesn't happen: the lease lapses.
                    let _ = grant(&mut map, clock::now_ns() + LEASE.as_nanos() as u64);
                    std::thread::park_timeout(RENEWAL);
                }
                let _ = grant(&mut map, 0);
            })
            .context("starting the lease's thread")?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn grant(map: &mut Array<MapData, u64>, until_ns: u64) -> Result<()> {
    Ok(map.set(0, until_ns, 0)?)
}
