//! CLOCK_MONOTONIC, the clock that the kernel programs read as well.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds on CLOCK_MONOTONIC.
pub fn now_ns() -> u64 {
    // It has been there since Linux 2.6 and takes no argument that could be wrong.
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC)
        .unwrap_or_else(|_| nix::sys::time::TimeSpec::new(0, 0));
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}
