//! A server as a child process: what it says goes into a file, and it is ended by its process id.

use std::{
    fs::{self, File},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::{
    Netns,
    patience::{LONG, wait_for, wait_until},
    priority::favour,
};

/// How long one gets to end what it started before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// A running server. Ended when dropped.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    folder: TempDir,
    ending: Signal,
}

impl Daemon {
    /// Starts one in a network namespace; `ending` makes it end at once, with all it started.
    pub(super) fn start(
        netns: &Netns,
        mut command: Command,
        folder: TempDir,
        ending: Signal,
    ) -> Result<Self> {
        let log = File::create(folder.path().join("log"))?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        favour(&mut command);
        let child = netns.within(|| {
            let started = command.spawn();
            started.with_context(|| format!("starting {command:?}"))
        })?;
        Ok(Self {
            child,
            folder,
            ending,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has in a file of its folder.
    pub(super) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }

    /// Waits until it does.
    pub(super) fn wait_until_it_answers(
        &mut self,
        mut answers: impl FnMut() -> bool,
    ) -> Result<()> {
        let waited = wait_for("a server to answer", LONG, || {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended, {status}");
            }
            Ok(answers().then_some(()))
        });
        waited.with_context(|| self.read("log"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.pid() as i32), self.ending);
        let ended = wait_until("a server to end", GRACE, || {
            !matches!(self.child.try_wait(), Ok(None))
        });
        if ended.is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
