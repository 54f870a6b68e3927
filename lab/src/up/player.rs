//! One role's process as `lab up` sees it: started with arguments, heard on its standard output,
//! stopped by the end of its standard input.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::topology::Role;

/// How long a role may take to be ready.
const STARTING: Duration = Duration::from_secs(10);

/// How long a role may take to stop before it is killed.
const STOPPING: Duration = Duration::from_secs(2);

/// A running role.
pub(super) struct Player {
    /// Which role it plays.
    pub(super) role: Role,
    /// Its process id.
    pub(super) pid: u32,
    process: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Player {
    /// Starts a role's process.
    pub(super) fn start(role: Role, arguments: &[OsString]) -> Result<Self> {
        let mut process = Command::new("/proc/self/exe")
            .arg0("lab")
            .arg("role")
            .arg(role.name())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of reach of the terminal's Ctrl-C: `lab up` decides who stops when.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {}", role.name()))?;
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().context("no pipe to a role")?;
        let pid = process.id().context("a role without a process id")?;
        Ok(Self {
            role,
            pid,
            process,
            stdin,
            lines: BufReader::new(stdout).lines(),
        })
    }

    /// Waits until the role does what it is there for.
    pub(super) async fn ready(&mut self) -> Result<()> {
        let line = timeout(STARTING, self.lines.next_line())
            .await
            .with_context(|| format!("{} isn't ready", self.role.name()))??;
        match line {
            Some(_) => Ok(()),
            None => bail!("{} ended: {}", self.role.name(), self.process.wait().await?),
        }
    }

    /// Waits for the role's end, which nobody asked for.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        // Fails only for a process that was waited for by somebody else.
        self.process.wait().await.unwrap_or_default()
    }

    /// Stops the role and returns its summary; kills it if it doesn't stop, and then there is none.
    pub(super) async fn stop(&mut self) -> Value {
        drop(self.stdin.take());
        let stopping = async {
            let line = self.lines.next_line().await;
            // Fails only for a process that was waited for by somebody else.
            let _ = self.process.wait().await;
            line
        };
        let Ok(line) = timeout(STOPPING, stopping).await else {
            eprintln!("{} doesn't stop: killing it", self.role.name());
            self.kill().await;
            return Value::Null;
        };
        let line = line.ok().flatten().unwrap_or_default();
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        said["content"].clone()
    }

    /// Ends the role at once.
    pub(super) async fn kill(&mut self) {
        // Fails only if it has ended already.
        let _ = self.process.kill().await;
    }
}
