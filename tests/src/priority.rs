//! A test that keeps time itself goes before ordinary threads, so that a busy machine isn't taken
//! for a slow fault.

use std::io;

use anyhow::{Context, Result};

/// Puts the calling thread ahead of ordinary ones, but behind probe's own; not what it starts.
///
/// # Errors
/// Where the host doesn't allow it.
pub fn go_before_others() -> Result<()> {
    let parameters = libc::sched_param { sched_priority: 1 };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: sets the calling thread's own scheduling; the parameters are valid for the call.
    match unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()).context("going before others"),
    }
}
