//! The lease: a thread tells the kernel programs, several times a second, that somebody still
//! answers for the faults. Stopped or dead, it doesn't, and they leave packets alone. Stopped and
//! continued, it doesn't take up again what had lapsed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
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

/// What the thread and its owner share.
#[derive(Debug, Default)]
struct State {
    stop: AtomicBool,
    /// When it was last renewed, on CLOCK_MONOTONIC.
    renewed_ns: AtomicU64,
    /// How long after the last renewal it was noticed to have lapsed; 0 where it hasn't.
    late_ns: AtomicU64,
}

impl State {
    /// Whether the lease has lapsed, once and for all.
    fn has_lapsed(&self, now_ns: u64) -> bool {
        if self.late_ns.load(Ordering::Acquire) != 0 {
            return true;
        }
        let since_ns = now_ns.saturating_sub(self.renewed_ns.load(Ordering::Acquire));
        let lapsed = since_ns > LEASE.as_nanos() as u64;
        if lapsed {
            self.late_ns.store(since_ns, Ordering::Release);
        }
        lapsed
    }
}

/// Renews until dropped; then the lease is over at once.
#[derive(Debug)]
pub struct Lease {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Lease {
    /// Grants the lease and keeps it up.
    ///
    /// # Errors
    /// Where the first grant fails.
    pub fn keep(mut map: Array<MapData, u64>) -> Result<Self> {
        let state = Arc::<State>::default();
        renew(&mut map, &state, clock::now_ns()).context("granting the lease of the faults")?;
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("probe-lease".into())
            .spawn(move || {
                let _ = super::delay_line::prefer_this_thread();
                while !shared.stop.load(Ordering::Relaxed) {
                    let now_ns = clock::now_ns();
                    if shared.has_lapsed(now_ns) {
                        break;
                    }
                    // A renewal that fails is one that doesn't happen: the lease lapses. Frozen
                    // just here, it grants what is over by the time it is continued.
                    let _ = renew(&mut map, &shared, now_ns);
                    std::thread::park_timeout(RENEWAL);
                }
                let _ = grant(&mut map, 0);
            })
            .context("starting the lease's thread")?;
        Ok(Self {
            state,
            thread: Some(thread),
        })
    }

    /// How long nobody renewed it, where that was for longer than it holds; it is not renewed any
    /// more then.
    pub fn lapsed(&self) -> Option<Duration> {
        // Also before the thread has noticed.
        let lapsed = self.state.has_lapsed(clock::now_ns());
        lapsed.then(|| Duration::from_nanos(self.state.late_ns.load(Ordering::Acquire)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn renew(map: &mut Array<MapData, u64>, state: &State, now_ns: u64) -> Result<()> {
    grant(map, now_ns + LEASE.as_nanos() as u64)?;
    state.renewed_ns.store(now_ns, Ordering::Release);
    Ok(())
}

fn grant(map: &mut Array<MapData, u64>, until_ns: u64) -> Result<()> {
    Ok(map.set(0, until_ns, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_lapsed_once_has_lapsed_for_good() {
        let state = State::default();
        let lease_ns = LEASE.as_nanos() as u64;
        state.renewed_ns.store(1_000, Ordering::Release);
        assert!(!state.has_lapsed(1_000 + lease_ns));
        assert!(state.has_lapsed(1_001 + lease_ns));
        state.renewed_ns.store(2_000 + lease_ns, Ordering::Release);
        assert!(state.has_lapsed(2_000 + lease_ns));
    }
}
