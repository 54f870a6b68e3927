//! The lease: a thread tells the kernel programs, several times a second, that somebody still
//! answers for the faults. Stopped or dead, it doesn't, and they leave packets alone. Stopped and
//! continued, it doesn't take up again what had lapsed.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
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

/// How often the kill switch is looked at where packets wait: whoever throws it is promised that
/// they go on at once, and this thread is one that a busy machine doesn't keep waiting.
const WATCH: Duration = Duration::from_millis(10);

/// A kill switch, and what to do once it is thrown.
struct Watch {
    switch: Array<MapData, u32>,
    then: Box<dyn Fn() + Send>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// What the thread and its owner share.
#[derive(Debug, Default)]
struct State {
    watches: Mutex<Vec<Watch>>,
    stop: AtomicBool,
    /// When it was last renewed, on CLOCK_MONOTONIC.
    renewed_ns: AtomicU64,
    /// How long after the last renewal it was noticed to have lapsed; 0 where it hasn't.
    late_ns: AtomicU64,
}

impl State {
    /// Looks at the kill switch, if there is one to look at; gives how long to rest then.
    fn look(&self) -> Duration {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        for watch in &*watches {
            if watch.switch.get(&0, 0).is_ok_and(|switch| switch != 0) {
                (watch.then)();
            }
        }
        if watches.is_empty() { RENEWAL } else { WATCH }
    }

    /// Whether it is time to renew it.
    fn is_due(&self, now_ns: u64) -> bool {
        let since_ns = now_ns.saturating_sub(self.renewed_ns.load(Ordering::Acquire));
        // Rather a little early than a whole rest late.
        since_ns + WATCH.as_nanos() as u64 >= RENEWAL.as_nanos() as u64
    }

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
                    if shared.is_due(now_ns) {
                        // A renewal that fails is one that doesn't happen: the lease lapses. Frozen
                        // just here, it grants what is over by the time it is continued.
                        let _ = renew(&mut map, &shared, now_ns);
                    }
                    std::thread::park_timeout(shared.look());
                }
                let _ = grant(&mut map, 0);
            })
            .context("starting the lease's thread")?;
        Ok(Self {
            state,
            thread: Some(thread),
        })
    }

    /// Has a kill switch looked at, and something done while it is thrown.
    pub fn watch(&self, switch: Array<MapData, u32>, then: Box<dyn Fn() + Send>) {
        let watches = &self.state.watches;
        let mut watches = watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.push(Watch { switch, then });
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
