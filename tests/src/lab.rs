//! The lab as a child process: a shop with its dependencies and customers, and its own record of
//! every call.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::{priority, programs};

/// Tells the labs of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running lab. Killed when dropped, after which its janitor clears up.
#[derive(Debug)]
pub struct Lab {
    child: Child,
    stdout: BufReader<ChildStdout>,
    name: String,
    folder: TempDir,
    /// What it said when it was ready.
    pub ready: Value,
}

/// One call as its caller saw it.
#[derive(Clone, Debug)]
pub struct Call {
    /// CLOCK_MONOTONIC before the request was written.
    pub at_ns: u64,
    /// Until the answer began.
    pub latency_ns: u64,
    /// Who called.
    pub from: String,
    /// Who was called.
    pub to: String,
    /// How it ended.
    pub outcome: String,
}

impl Lab {
    /// Starts a lab of a name that nobody else has, and waits until it is ready.
    ///
    /// # Errors
    /// Where it doesn't get ready; it has said why on standard error.
    pub fn up(arguments: &str) -> Result<Self> {
        Self::start(arguments, Command::new(programs::lab()?))
    }

    /// The same, ahead of ordinary processes: for who compares with its clocks, which also run while
    /// it waits for a processor.
    ///
    /// # Errors
    /// As [`Self::up`].
    pub fn up_before_others(arguments: &str) -> Result<Self> {
        let mut command = Command::new(programs::lab()?);
        priority::favour(&mut command);
        Self::start(arguments, command)
    }

    fn start(arguments: &str, mut command: Command) -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{}n{number}", std::process::id());
        let folder = tempfile::tempdir()?;
        let mut child = command
            .args(["up", "--name", &name, "--record"])
            .arg(folder.path().join("calls.jsonl"))
            .args(arguments.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the lab")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let ready = serde_json::from_str(&line).context("the lab did not get ready")?;
        Ok(Self {
            child,
            stdout,
            name,
            folder,
            ready,
        })
    }

    /// Its name, which nobody else's lab has.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of a role's network namespace.
    pub fn netns(&self, role: &str) -> String {
        format!("{}-{role}", self.name)
    }

    /// The process id of a role.
    ///
    /// # Errors
    /// Where there is no such role.
    pub fn pid(&self, role: &str) -> Result<u32> {
        let pid = self.ready["pids"][role].as_u64();
        Ok(pid.with_context(|| format!("no {role} in {}", self.ready))? as u32)
    }

    /// Waits until the shop closes by itself, and returns every call that was made in it.
    ///
    /// # Errors
    /// Where it doesn't end well, or its record can't be read.
    pub fn close_by_itself(mut self) -> Result<Vec<Call>> {
        self.stdout.read_to_string(&mut String::new())?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the lab ended, {status}");
        calls(&self.folder.path().join("calls.jsonl"))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Its janitor has it open until everything is removed.
        let _ = self.stdout.read_to_string(&mut String::new());
    }
}

fn calls(record: &PathBuf) -> Result<Vec<Call>> {
    let text = fs::read_to_string(record).context("reading the lab's record")?;
    text.lines()
        .map(|line| {
            let call: Value = serde_json::from_str(line).context("a line of the record")?;
            let word = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
            Ok(Call {
                at_ns: call["at_ns"].as_u64().context("no at_ns")?,
                latency_ns: call["latency_ns"].as_u64().context("no latency_ns")?,
                from: word("from"),
                to: word("to"),
                outcome: word("outcome"),
            })
        })
        .collect()
}
