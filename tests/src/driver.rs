//! Who calls the servers: other people's programs run to their end, and a client in Python that is
//! told when to call, so that its connections can be older than an observer.

use std::{
    io::{BufRead, BufReader, Write},
    net::{IpAddr, SocketAddr},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::{Context, Result, ensure};

use crate::{Netns, priority::favour, tool::Tool};

const CLIENT: &str = include_str!("../python/client.py");

/// Tells the endpoints of one process apart.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// An address with a port that hardly any other test has at the moment, so that whoever observes
/// the whole host sees this test alone.
pub fn endpoint(address: IpAddr) -> SocketAddr {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let own = std::process::id() as u16;
    SocketAddr::new(
        address,
        10_000 + own.wrapping_mul(31).wrapping_add(number) % 20_000,
    )
}

/// Runs a driver in a network namespace to its end, and returns what it wrote, errors behind.
///
/// # Errors
/// Where it can't be started, or fails: with what it wrote.
pub fn run(netns: &Netns, command: &mut Command, input: &str) -> Result<String> {
    let words = format!("{command:?}");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    favour(command);
    let mut child = netns.within(|| command.spawn().with_context(|| words.clone()))?;
    let mut stdin = child.stdin.take().context("no input")?;
    let feeding = input.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(feeding.as_bytes()));
    let output = child.wait_with_output()?;
    let _ = feeder.join();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{words}: {}: {said}",
        output.status
    );
    Ok(said.into_owned())
}

/// A client with a pool of connections. Ended when dropped.
#[derive(Debug)]
pub struct Client {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Client {
    /// Starts one of a protocol, `http1`, `redis`, `postgres`, `mysql` or `grpc`, and has it connect.
    ///
    /// # Errors
    /// Where it can't.
    pub fn start(netns: &Netns, protocol: &str, to: SocketAddr, connections: u32) -> Result<Self> {
        let mut command = Tool::python()?;
        let (address, port) = (to.ip().to_string(), to.port().to_string());
        command
            .args(["-c", CLIENT, protocol, &address, &port])
            .arg(connections.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        favour(&mut command);
        let mut child = netns.within(|| command.spawn().context("starting a client"))?;
        let commands = child.stdin.take().context("no input")?;
        let answers = BufReader::new(child.stdout.take().context("no output")?);
        let mut client = Self {
            child,
            commands,
            answers,
        };
        let said = client.hear()?;
        ensure!(said == "ready", "{protocol}: {said}");
        Ok(client)
    }

    /// Calls so many times, one after the other, each on the next connection. The server waits
    /// `ms` before each answer. Returns microseconds of each call.
    ///
    /// # Errors
    /// Where a call fails.
    pub fn call(&mut self, times: u32, ms: u32) -> Result<Vec<u64>> {
        self.tell(&format!("call {times} {ms}"))
    }

    /// Calls so many times in a way that the server answers with an error.
    ///
    /// # Errors
    /// Where it doesn't.
    pub fn fail(&mut self, times: u32) -> Result<()> {
        self.tell(&format!("fail {times}")).map(drop)
    }

    /// Calls at once on one connection, where the protocol can: the server waits so many
    /// milliseconds for each. Returns microseconds of each call.
    ///
    /// # Errors
    /// Where a call fails.
    pub fn call_together(&mut self, ms: &[u64]) -> Result<Vec<u64>> {
        let ms: Vec<_> = ms.iter().map(u64::to_string).collect();
        self.tell(&format!("together {}", ms.join(" ")))
    }

    /// Has it close its connections and end.
    ///
    /// # Errors
    /// Where it doesn't.
    pub fn finish(mut self) -> Result<()> {
        self.tell("quit")?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the client ended, {status}");
        Ok(())
    }

    fn tell(&mut self, command: &str) -> Result<Vec<u64>> {
        writeln!(self.commands, "{command}").context("telling a client")?;
        let answer = self.hear()?;
        serde_json::from_str(&answer).with_context(|| format!("{command}: {answer}"))
    }

    fn hear(&mut self) -> Result<String> {
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .context("hearing a client")?;
        ensure!(!answer.is_empty(), "the client has ended");
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
