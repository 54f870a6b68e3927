//! The clock that records are written by: CLOCK_MONOTONIC, which any other process can read too.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of CLOCK_MONOTONIC; zero where there is no such clock, which Linux doesn't know.
pub(crate) fn now_ns() -> u64 {
    let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) else {
        return 0;
    };
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}
