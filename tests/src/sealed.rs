//! Both ends of TLS connections, by openssl's own tools: a server that says each line backwards,
//! and somebody who talks to it.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{patience::LONG, wait_until};

/// The name that talkers ask for.
pub const SERVER_NAME: &str = "shop.test";

/// A server; it goes when dropped.
#[derive(Debug)]
pub struct Backwards {
    /// Where it listens.
    pub address: SocketAddr,
    server: Child,
    _folder: TempDir,
}

impl Backwards {
    /// Starts one, with a certificate of its own.
    ///
    /// # Errors
    /// Where openssl isn't there, or doesn't listen.
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (key, certificate) = (folder.path().join("key"), folder.path().join("certificate"));
        let made = openssl("req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1")
            .args(["-subj", &format!("/CN={SERVER_NAME}"), "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .stderr(Stdio::null())
            .status()
            .context("running openssl, which this test needs")?;
        ensure!(made.success(), "openssl made no certificate");
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let server = openssl("s_server -quiet -rev -naccept 100 -accept")
            .arg(address.to_string())
            .arg("-key")
            .arg(&key)
            .arg("-cert")
            .arg(&certificate)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        wait_until("a server that listens", LONG, || {
            TcpStream::connect(address).is_ok()
        })?;
        Ok(Self {
            address,
            server,
            _folder: folder,
        })
    }
}

impl Drop for Backwards {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Somebody who talks to it.
#[derive(Debug)]
pub struct Talker {
    client: Child,
    say: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl Talker {
    /// Connects, by the version of TLS that an option of openssl's names.
    ///
    /// # Errors
    /// Where openssl isn't there.
    pub fn new(to: SocketAddr, version: &str) -> Result<Self> {
        let mut client = openssl("s_client -quiet -no_ign_eof -servername")
            .args([SERVER_NAME, version, "-connect"])
            .arg(to.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let say = client.stdin.take().context("no stdin")?;
        let hear = BufReader::new(client.stdout.take().context("no stdout")?);
        Ok(Self { client, say, hear })
    }

    /// Says a line, and waits for it to come back.
    ///
    /// # Errors
    /// Where it doesn't.
    pub fn say(&mut self, line: &str) -> Result<()> {
        writeln!(self.say, "{line}")?;
        let mut heard = String::new();
        self.hear.read_line(&mut heard)?;
        let backwards: String = line.chars().rev().collect();
        ensure!(heard.trim_end() == backwards, "{heard:?} for {line:?}");
        Ok(())
    }

    /// Says goodbye, and waits until the connection is closed.
    ///
    /// # Errors
    /// The kernel's.
    pub fn leave(self) -> Result<()> {
        let Self {
            mut client, say, ..
        } = self;
        drop(say);
        client.wait()?;
        Ok(())
    }
}

fn openssl(arguments: &str) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' '));
    command
}
