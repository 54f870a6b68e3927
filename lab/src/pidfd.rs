//! Handles on processes that aren't our children: unlike a process id, never somebody else's.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A handle on one process.
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// Opens the process that has `pid` now.
    pub(crate) fn open(pid: libc::pid_t) -> io::Result<Self> {
        // SAFETY: pidfd_open takes two integers and touches no memory of ours.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = i32::try_from(fd)
            .ok()
            .filter(|fd| *fd >= 0)
            .ok_or_else(io::Error::last_os_error)?;
        // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Kills the process; one that is dead already is no error.
    pub(crate) fn kill(&self) {
        // SAFETY: a null siginfo is allowed, and the descriptor is open.
        unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                libc::SIGKILL,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            );
        }
    }

    /// Waits until the process has ended, or `milliseconds` have passed.
    pub(crate) fn wait(&self, milliseconds: u16) {
        let mut poll_fd = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        // Whether it ended or not, the caller goes on with clearing up.
        let _ = poll(&mut poll_fd, PollTimeout::from(milliseconds));
    }
}
