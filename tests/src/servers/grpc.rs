//! A gRPC server: Google's own, in Python. A request of bytes says what is to come of it.

use std::net::SocketAddr;

use anyhow::Result;
use nix::sys::signal::Signal;

use super::daemon::Daemon;
use crate::{Netns, tool::Tool};

const SERVER: &str = include_str!("../../python/grpc_server.py");

/// A running gRPC server.
#[derive(Debug)]
pub struct Grpc {
    /// Where it listens.
    pub address: SocketAddr,
    _daemon: Daemon,
}

impl Grpc {
    /// Starts one: the method `Wait` of the service `lab.Lab` waits for the milliseconds in its
    /// request, `Fail` answers with the status in it.
    ///
    /// # Errors
    /// Where it doesn't start.
    pub fn start(netns: &Netns, address: SocketAddr) -> Result<Self> {
        let mut command = Tool::python()?;
        command.args(["-c", SERVER, &address.to_string()]);
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let mut daemon = Daemon::start(netns, command, folder, Signal::SIGKILL)?;
        daemon.wait_until_it_answers(|| {
            std::fs::read_to_string(&log).is_ok_and(|said| said.contains("serving"))
        })?;
        Ok(Self {
            address,
            _daemon: daemon,
        })
    }
}
