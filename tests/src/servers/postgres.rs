//! PostgreSQL, which refuses to run as root: it runs as somebody else in a user namespace, where
//! that is root's files' owner all the same.

use std::{fs, net::SocketAddr, os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result, ensure};
use nix::{
    sched::{CloneFlags, unshare},
    sys::signal::Signal,
};

use super::daemon::Daemon;
use crate::{Netns, tool::Tool};

/// A running PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    /// Where it listens.
    pub address: SocketAddr,
    _daemon: Daemon,
}

impl Postgres {
    /// Starts one with a new database.
    ///
    /// # Errors
    /// Where it doesn't start.
    pub fn start(netns: &Netns, address: SocketAddr) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let mut make = Tool::find("initdb")?.command();
        make.args(["-U", "postgres", "-A", "trust", "--no-sync"])
            .args(["--no-locale", "-E", "UTF8", "-D"])
            .arg(&data);
        let made = as_somebody(&mut make).output().context("starting initdb")?;
        let said = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "initdb: {}: {said}", made.status);
        let hosts = "host all all all trust\nlocal all all trust\n";
        fs::write(data.join("pg_hba.conf"), hosts)?;
        let mut command = Tool::find("postgres")?.command();
        command
            .arg("-D")
            .arg(&data)
            .args(["-h", &address.ip().to_string()])
            .args(["-p", &address.port().to_string(), "-k", ""])
            .args(["-c", "fsync=off", "-c", "jit=off", "-c", "autovacuum=off"])
            .args(["-c", "shared_buffers=16MB"]);
        as_somebody(&mut command);
        let mut daemon = Daemon::start(netns, command, folder, Signal::SIGQUIT)?;
        daemon.wait_until_it_answers(|| Self::psql(netns, address, "select 1").is_ok())?;
        Ok(Self {
            address,
            _daemon: daemon,
        })
    }

    fn psql(netns: &Netns, address: SocketAddr, statement: &str) -> Result<()> {
        let mut psql = Self::client("psql", address)?;
        let output = netns.within(|| Ok(psql.args(["-c", statement]).output()?))?;
        ensure!(output.status.success(), "psql: {}", output.status);
        Ok(())
    }

    /// A command that runs one of its clients, over TCP and without TLS.
    ///
    /// # Errors
    /// Where there is no such program.
    pub fn client(program: &str, address: SocketAddr) -> Result<Command> {
        let mut command = Tool::find(program)?.command();
        command
            .args(["-h", &address.ip().to_string()])
            .args(["-p", &address.port().to_string()])
            .args(["-U", "postgres"])
            .env("PGDATABASE", "postgres")
            .env("PGSSLMODE", "disable")
            .env("PGGSSENCMODE", "disable");
        Ok(command)
    }
}

/// Has a command run as a user that isn't root.
fn as_somebody(command: &mut Command) -> &mut Command {
    // SAFETY: it is called between fork and exec, where the child has one thread, and makes system
    // calls alone; the strings are constants.
    unsafe {
        command.pre_exec(|| {
            unshare(CloneFlags::CLONE_NEWUSER)?;
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", "1000 0 1")?;
            fs::write("/proc/self/gid_map", "1000 0 1")
        })
    }
}
