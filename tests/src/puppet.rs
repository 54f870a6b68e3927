//! A process that makes connections and sends on them as it is told, so that a test knows which
//! process every packet is of. Ended when dropped.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{Cgroup, Netns};

pub mod act;
pub mod server;

/// A running puppet.
#[derive(Debug)]
pub struct Puppet {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What came of a call of connect().
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The number of a connection.
    Made(u32),
    /// It failed with that error.
    Failed(i32),
    /// Nobody answered.
    Lost,
}

impl Puppet {
    /// Starts one in a network namespace, and a cgroup if one is given; `command` becomes it.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn start(mut command: Command, netns: &Netns, cgroup: Option<&Cgroup>) -> Result<Self> {
        let mut child = netns.within(|| {
            let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
            command.spawn().context("starting a puppet")
        })?;
        let commands = child.stdin.take().context("no input")?;
        let answers = BufReader::new(child.stdout.take().context("no output")?);
        let puppet = Self {
            child,
            commands,
            answers,
        };
        if let Some(cgroup) = cgroup {
            cgroup.take_in(puppet.pid())?;
        }
        Ok(puppet)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Takes another command name.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn take_name(&mut self, name: &str) -> Result<()> {
        self.tell(&format!("name {name}")).map(drop)
    }

    /// Connects over TCP.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn tcp(&mut self, to: SocketAddr) -> Result<Call> {
        self.call(&format!("tcp {to}"))
    }

    /// Connects a UDP socket.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn udp(&mut self, to: SocketAddr) -> Result<Call> {
        self.udp_from(0, to)
    }

    /// Connects a UDP socket that has a port of its own.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn udp_from(&mut self, port: u16, to: SocketAddr) -> Result<Call> {
        self.call(&format!("udp {to} {port}"))
    }

    fn call(&mut self, command: &str) -> Result<Call> {
        let answer = self.tell(command)?;
        Ok(match answer.strip_prefix("error ") {
            Some(number) => Call::Failed(number.parse().with_context(|| answer.clone())?),
            None if answer == "lost" => Call::Lost,
            None => Call::Made(answer.parse().with_context(|| answer.clone())?),
        })
    }

    /// Asks on a connection; whether the answer came.
    ///
    /// # Errors
    /// Where it has ended, or the connection has.
    pub fn is_answered(&mut self, connection: u32) -> Result<bool> {
        match self.tell(&format!("ask {connection}"))?.as_str() {
            "ok" => Ok(true),
            "lost" => Ok(false),
            other => bail!("connection {connection}: {other}"),
        }
    }

    /// Sends packets on a connected UDP socket, waiting for nothing.
    ///
    /// # Errors
    /// Where it has ended, or hears of an error.
    pub fn send(&mut self, connection: u32, count: u64) -> Result<()> {
        let answer = self.tell(&format!("burst {connection} {count}"))?;
        ensure!(answer == "ok", "{answer}");
        Ok(())
    }

    /// Closes a connection.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn close(&mut self, connection: u32) -> Result<()> {
        self.tell(&format!("close {connection}")).map(drop)
    }

    /// Sends back what it gets on an address, over TCP and UDP.
    ///
    /// # Errors
    /// Where it can't.
    pub fn serve(&mut self, at: SocketAddr) -> Result<SocketAddr> {
        let port = self.tell(&format!("serve {at}"))?;
        let port = port.parse().with_context(|| port.clone())?;
        Ok(SocketAddr::new(at.ip(), port))
    }

    fn tell(&mut self, command: &str) -> Result<String> {
        writeln!(self.commands, "{command}").context("telling a puppet")?;
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .context("hearing a puppet")?;
        ensure!(!answer.is_empty(), "the puppet has ended");
        Ok(answer.trim_end().to_owned())
    }
}

impl Call {
    /// The number of the connection.
    ///
    /// # Errors
    /// Where none was made.
    pub fn made(self) -> Result<u32> {
        match self {
            Self::Made(number) => Ok(number),
            other => bail!("no connection: {other:?}"),
        }
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
