//! nginx: answers at once, slowly, or not well.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::daemon::Daemon;
use crate::{Netns, tool::Tool};

/// A running nginx.
#[derive(Debug)]
pub struct Nginx {
    /// Where it listens.
    pub address: SocketAddr,
    daemon: Daemon,
}

/// Whether it writes down every request that it served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// One line each.
    Requests,
    /// None, which is faster.
    Nothing,
}

impl Nginx {
    /// Starts one that answers `/` at once, `/slow` at most every 20 ms, `/failing` with 503 and
    /// `/missing` with 404.
    ///
    /// # Errors
    /// Where it doesn't start.
    pub fn start(netns: &Netns, address: SocketAddr, log: Log) -> Result<Self> {
        Self::with_workers(1, netns, address, log)
    }

    /// The same, with more processes that answer.
    ///
    /// # Errors
    /// Where it doesn't start.
    pub fn with_workers(
        workers: usize,
        netns: &Netns,
        address: SocketAddr,
        log: Log,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = folder.path().display();
        let log = match log {
            Log::Requests => format!("{at}/requests plain"),
            Log::Nothing => "off".to_owned(),
        };
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = temporary.map(|kind| format!("{kind}_temp_path {at}/{kind};"));
        let config = format!(
            "daemon off; worker_processes {workers}; user root; pid {at}/pid; error_log stderr;\n\
             events {{ worker_connections 512; }}\n\
             http {{ {}\n\
             log_format plain $status; access_log {log};\n\
             keepalive_requests 100000000; keepalive_timeout 600s;\n\
             limit_req_zone $server_addr zone=slow:1m rate=50r/s;\n\
             server {{ listen {address};\n\
             location / {{ return 200 'hello\\n'; }}\n\
             location /slow {{ limit_req zone=slow burst=1000; try_files /no @hello; }}\n\
             location @hello {{ return 200 'hello\\n'; }}\n\
             location /failing {{ return 503; }}\n\
             location /missing {{ return 404; }} }} }}\n",
            temporary.join(" ")
        );
        fs::write(folder.path().join("nginx.conf"), config)?;
        let mut command = Tool::find("nginx")?.command();
        command.args(["-e", "stderr", "-c"]);
        command.arg(folder.path().join("nginx.conf"));
        let mut daemon = Daemon::start(netns, command, folder, Signal::SIGTERM)?;
        daemon.wait_until_it_answers(|| {
            netns
                .within(|| TcpStream::connect(address).context("connecting"))
                .is_ok()
        })?;
        Ok(Self { address, daemon })
    }

    /// How many requests it served, if it writes that down.
    pub fn served(&self) -> usize {
        self.daemon.read("requests").lines().count()
    }
}
