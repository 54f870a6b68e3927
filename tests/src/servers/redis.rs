//! Redis, that keeps nothing, and lets itself be told to take its time.

use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::daemon::Daemon;
use crate::{Netns, tool::Tool};

/// A running Redis.
#[derive(Debug)]
pub struct Redis {
    /// Where it listens.
    pub address: SocketAddr,
    _daemon: Daemon,
}

impl Redis {
    /// Starts one.
    ///
    /// # Errors
    /// Where it doesn't start.
    pub fn start(netns: &Netns, address: SocketAddr) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Tool::find("redis-server")?.command();
        command
            .args(["--port", &address.port().to_string()])
            .args(["--bind", &address.ip().to_string()])
            .args(["--save", "", "--appendonly", "no", "--protected-mode", "no"])
            .args(["--enable-debug-command", "yes", "--dir"])
            .arg(folder.path());
        let mut daemon = Daemon::start(netns, command, folder, Signal::SIGTERM)?;
        daemon.wait_until_it_answers(|| {
            netns
                .within(|| TcpStream::connect(address).context("connecting"))
                .is_ok()
        })?;
        Ok(Self {
            address,
            _daemon: daemon,
        })
    }
}
