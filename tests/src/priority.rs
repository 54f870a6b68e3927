//! What keeps time itself goes before ordinary threads, so that a busy machine isn't taken for a slow
//! fault, or for an observer that is wrong.

use std::{
    io,
    os::unix::process::CommandExt,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

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

/// Whether commands are favoured.
static FAVOURING: AtomicBool = AtomicBool::new(true);

/// Has no command favoured from now on: where it is measured what processes take from one another,
/// probe's among them.
pub fn favour_nobody() {
    FAVOURING.store(false, Ordering::Relaxed);
}

/// Has a command go before ordinary ones, and what it starts; it shares the processors with them.
pub fn favour(command: &mut Command) -> &mut Command {
    if !FAVOURING.load(Ordering::Relaxed) {
        return command;
    }
    // SAFETY: it is called between fork and exec, and makes one system call. Where the host doesn't
    // allow it, the command runs as others do.
    unsafe {
        command.pre_exec(|| {
            libc::setpriority(libc::PRIO_PROCESS, 0, -15);
            Ok(())
        })
    }
}
