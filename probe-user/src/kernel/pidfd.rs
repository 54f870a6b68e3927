//! Handles on processes: unlike a process id, never somebody else's.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use super::process::Stat;

/// A handle on one process.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// Opens the process of that id that started at that time; `None` where it has ended.
    ///
    /// # Errors
    /// Where there are no descriptors left.
    pub fn open(pid: u32, started: u64) -> io::Result<Option<Self>> {
        // SAFETY: pidfd_open takes two integers and touches no memory of ours.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0) };
        let Some(fd) = i32::try_from(fd).ok().filter(|fd| *fd >= 0) else {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ESRCH) => Ok(None),
                _ => Err(error),
            };
        };
        // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
        let handle = Self(unsafe { OwnedFd::from_raw_fd(fd) });
        // Only now: the process that the handle is for had that id before and has it still.
        let is_it = Stat::of(pid).is_some_and(|it| it.started == started && !it.has_ended());
        Ok(is_it.then_some(handle))
    }

    /// Sends it a signal; tells whether it was still there.
    ///
    /// # Errors
    /// Where this process may not.
    pub fn signal(&self, signal: i32) -> io::Result<bool> {
        // SAFETY: a null siginfo is allowed, and the descriptor is open.
        let code = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                signal,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        if code == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ESRCH) => Ok(false),
            _ => Err(error),
        }
    }
}

/// Continues a process, if it is still the one that started then; tells whether it was.
///
/// # Errors
/// Where this process may not.
pub fn go_on(pid: u32, started: u64) -> io::Result<bool> {
    match PidFd::open(pid, started)? {
        Some(process) => process.signal(libc::SIGCONT),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn another_process_of_that_id_is_another() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        let started = Stat::of(pid).unwrap().started;
        assert!(PidFd::open(pid, started + 1).unwrap().is_none());
        let process = PidFd::open(pid, started).unwrap().unwrap();
        assert!(process.signal(libc::SIGKILL).unwrap());
        child.wait().unwrap();
        assert!(!process.signal(libc::SIGKILL).unwrap());
        assert!(PidFd::open(pid, started).unwrap().is_none());
    }
}
