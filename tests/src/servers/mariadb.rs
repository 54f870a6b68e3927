//! MariaDB with a new database, and nobody asked for a password.

use std::{net::SocketAddr, process::Command};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::daemon::Daemon;
use crate::{Netns, tool::Tool};

/// A running MariaDB.
#[derive(Debug)]
pub struct Mariadb {
    /// Where it listens.
    pub address: SocketAddr,
    _daemon: Daemon,
}

impl Mariadb {
    /// Starts one.
    ///
    /// # Errors
    /// Where it doesn't start.
    pub fn start(netns: &Netns, address: SocketAddr) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let server = Tool::find("mariadbd")?;
        let mut make = Tool::find("mariadb-install-db")?.command();
        make.arg("--no-defaults")
            .arg(format!("--basedir={}", server.prefix().display()))
            .arg(format!("--datadir={}", data.display()))
            .args(["--user=root", "--skip-test-db"])
            .arg("--auth-root-authentication-method=normal");
        let made = make.output().context("starting mariadb-install-db")?;
        let said = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "{}: {said}", made.status);
        let mut command = server.command();
        command
            .args(["--no-defaults", "--user=root"])
            .arg(format!("--basedir={}", server.prefix().display()))
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--socket={}", folder.path().join("s").display()))
            .arg(format!("--port={}", address.port()))
            .arg(format!("--bind-address={}", address.ip()))
            // Whoever comes is root: nobody but this test can.
            .args(["--skip-grant-tables", "--skip-name-resolve"])
            .args(["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]);
        let mut daemon = Daemon::start(netns, command, folder, Signal::SIGTERM)?;
        daemon.wait_until_it_answers(|| {
            let asked = netns.within(|| {
                let mut client = Self::client(address)?;
                Ok(client.args(["-e", "select 1"]).output()?)
            });
            asked.is_ok_and(|output| output.status.success())
        })?;
        Ok(Self {
            address,
            _daemon: daemon,
        })
    }

    /// A command that runs its client, over TCP and without TLS.
    ///
    /// # Errors
    /// Where there is no such program.
    pub fn client(address: SocketAddr) -> Result<Command> {
        let mut command = Tool::find("mariadb")?.command();
        command
            .args([
                "--no-defaults",
                "--protocol=tcp",
                "--skip-ssl",
                "-u",
                "root",
            ])
            .args(["-h", &address.ip().to_string()])
            .args(["-P", &address.port().to_string(), "--batch"]);
        Ok(command)
    }
}
