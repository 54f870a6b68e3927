//! dnsmasq, a name server that knows two names and nobody to ask about others.

use std::net::SocketAddr;

use anyhow::Result;
use nix::sys::signal::Signal;

use super::daemon::Daemon;
use crate::{
    Netns,
    resolver::{A, Asked, ask},
    tool::Tool,
};

/// The name it has an address for.
pub const KNOWN: &str = "known.example";

/// A name in a domain that is its own, which it says doesn't exist.
pub const MISSING: &str = "missing.example";

/// A name that is somebody else's, about which it refuses to be asked.
pub const REFUSED: &str = "elsewhere.invalid.test";

/// A running dnsmasq.
#[derive(Debug)]
pub struct Dnsmasq {
    /// Where it listens.
    pub address: SocketAddr,
    _daemon: Daemon,
}

impl Dnsmasq {
    /// Starts one, over UDP and TCP.
    ///
    /// # Errors
    /// Where it doesn't start.
    pub fn start(netns: &Netns, address: SocketAddr) -> Result<Self> {
        let mut command = Tool::find("dnsmasq")?.command();
        command
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--user=root",
            ])
            .args([
                "--no-resolv",
                "--no-hosts",
                "--pid-file=",
                "--bind-interfaces",
            ])
            .arg(format!("--port={}", address.port()))
            .arg(format!("--listen-address={}", address.ip()))
            .arg(format!("--address=/{KNOWN}/192.0.2.7"))
            .arg("--local=/example/");
        let folder = tempfile::tempdir()?;
        let mut daemon = Daemon::start(netns, command, folder, Signal::SIGTERM)?;
        daemon.wait_until_it_answers(|| {
            // It doesn't hear of an answer to nobody: refused at first.
            ask(netns, address, KNOWN, A).is_ok_and(|asked| asked == Asked::Address)
        })?;
        Ok(Self {
            address,
            _daemon: daemon,
        })
    }
}
