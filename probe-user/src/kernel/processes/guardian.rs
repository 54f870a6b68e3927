//! The guardian, as probe sees it: a process of its own that continues what is stopped however
//! probe ends. It is there before anything is stopped.

use std::{
    io::{BufRead, BufReader, Write},
    os::{fd::OwnedFd, unix::net::UnixStream, unix::process::CommandExt},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::{Answer, MapIds, Member};

/// How long it may take to answer: what is stopped doesn't wait longer for somebody to vouch.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long it may take to start.
const START: Duration = Duration::from_secs(10);

/// A guardian. Dropped, it continues everything and ends.
#[derive(Debug)]
pub struct Guardian {
    line: Option<BufReader<UnixStream>>,
    process: Child,
}

impl Guardian {
    /// Starts one, and waits until it watches.
    ///
    /// # Errors
    /// Where it doesn't come up.
    pub fn start(ids: MapIds) -> Result<Self> {
        let (line, theirs) = UnixStream::pair().context("guardian: making a line to it")?;
        line.set_read_timeout(Some(START))?;
        line.set_write_timeout(Some(PATIENCE))?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("probe")
            .arg("guardian")
            .args([ids.kill, ids.lease, ids.rules].map(|id| id.to_string()))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // SAFETY: setsid is safe between fork and exec, and touches no memory.
        unsafe {
            command.pre_exec(|| {
                // Out of the way of signals to our group and terminal from the first moment on.
                nix::unistd::setsid()?;
                Ok(())
            });
        }
        let process = command.spawn().context("guardian: starting it")?;
        // Its end of the line goes with the command, so that its death is heard.
        drop(command);
        let mut guardian = Self {
            line: Some(BufReader::new(line)),
            process,
        };
        if guardian.hear()? != Answer::Ready {
            bail!("guardian: it doesn't come up");
        }
        guardian.stream()?.set_read_timeout(Some(PATIENCE))?;
        Ok(guardian)
    }

    /// Has a process stopped for the sake of a rule.
    ///
    /// # Errors
    /// Where the guardian doesn't answer.
    pub fn stop(&mut self, rule: u32, member: Member) -> Result<Answer> {
        self.ask(&format!("stop {rule} {} {}\n", member.pid, member.started))
    }

    /// Has everything continued that was stopped for the sake of a rule alone.
    ///
    /// # Errors
    /// Where the guardian doesn't answer.
    pub fn go(&mut self, rule: u32) -> Result<Answer> {
        self.ask(&format!("go {rule}\n"))
    }

    /// Sees that it answers.
    ///
    /// # Errors
    /// Where it doesn't.
    pub fn ping(&mut self) -> Result<Answer> {
        self.ask("ping\n")
    }

    /// Ends it at once, without its last doings: whoever does continues what it had stopped.
    pub fn kill(mut self) {
        let _ = self.process.kill();
    }

    fn ask(&mut self, words: &str) -> Result<Answer> {
        let mut stream = self.stream()?;
        stream
            .write_all(words.as_bytes())
            .context("guardian: it is gone")?;
        self.hear()
    }

    fn hear(&mut self) -> Result<Answer> {
        let line = self.line.as_mut().context("guardian: it is gone")?;
        let mut words = String::new();
        line.read_line(&mut words)
            .context("guardian: it doesn't answer")?;
        Answer::read(&words).context("guardian: it is gone")
    }

    fn stream(&self) -> Result<&UnixStream> {
        let line = self.line.as_ref().context("guardian: it is gone")?;
        Ok(line.get_ref())
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        // It ends with its line.
        drop(self.line.take());
        for _ in 0..50 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // It hangs, and what it had stopped is noted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
