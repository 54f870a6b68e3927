//! The process that clears up after a lab, however the lab ends. It is started before anything is
//! made, in a session of its own, and waits for the end of its standard input: the kernel closes
//! that when `lab up` dies, SIGKILL included.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{Pid, getpgid, getppid, setpgid, setsid};

use crate::backstage;
use crate::lock::Lock;
use crate::pidfd::PidFd;
use crate::topology::LabName;

const READY: &str = "ready\n";
const DONE: &str = "done\n";

/// How long the janitor waits for one killed role to be gone before it goes on without.
const KILL_GRACE_MS: u16 = 2000;

/// The janitor as `lab up` sees it.
pub(crate) struct Janitor {
    line: UnixStream,
    process: Child,
}

impl Janitor {
    /// Starts a janitor that shares `lock`, and returns once nothing can stop it any more.
    pub(crate) fn start(lab: &LabName, lock: &Lock) -> Result<Self> {
        let (line, theirs) = UnixStream::pair()?;
        line.set_read_timeout(Some(Duration::from_secs(10)))?;
        let process = Command::new("/proc/self/exe")
            .arg0("lab")
            .args(["janitor", "--name", &lab.to_string()])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            // A duplicate of the lock's file, so that the lab counts as alive until it's cleared.
            .stdout(lock.file.try_clone()?)
            // Out of the way of signals to our group from its first instruction on.
            .process_group(0)
            .spawn()
            .context("start the janitor")?;
        let mut greeting = [0; READY.len()];
        (&line)
            .read_exact(&mut greeting)
            .context("wait for the janitor")?;
        Ok(Self { line, process })
    }

    /// Tells the janitor of a process that mustn't outlive the lab.
    pub(crate) fn watch(&self, pid: u32) {
        // A janitor that is gone is noticed in `finish`.
        let _ = writeln!(&self.line, "{pid}");
    }

    /// Has everything cleared now. If the janitor itself was killed, does its work.
    pub(crate) fn finish(mut self, lab: &LabName) -> Result<()> {
        let _ = self.line.shutdown(Shutdown::Write);
        let mut answer = String::new();
        let heard = (&self.line).read_to_string(&mut answer);
        if heard.is_err() {
            // It hangs: better no janitor than two at work at once.
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        if answer == DONE {
            Ok(())
        } else {
            backstage::clear(lab)
        }
    }
}

/// The janitor's own process: waits, then kills what it was told to watch and clears the lab.
pub(crate) fn run(lab: &LabName) -> Result<ExitCode> {
    prctl::set_name(c"lab-janitor")?;
    for ignored in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        // SAFETY: ignoring a signal runs no handler.
        unsafe { signal(ignored, SigHandler::SigIgn) }?;
    }
    leave_session();
    let line = UnixStream::from(std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned()?);
    // Fails if `lab up` is dead already, and then the first line to read is the end.
    let _ = (&line).write_all(READY.as_bytes());
    let mut watched = Vec::new();
    for pid in BufReader::new(&line).lines() {
        let Ok(pid) = pid else { break };
        // One that can't be opened has ended already.
        watched.extend(pid.parse().ok().and_then(|pid| PidFd::open(pid).ok()));
    }
    watched.iter().for_each(PidFd::kill);
    watched
        .iter()
        .for_each(|process| process.wait(KILL_GRACE_MS));
    if let Err(error) = backstage::clear(lab) {
        bail!("clear up after {lab}: {error:#}");
    }
    // Nobody listens if the lab was killed.
    let _ = (&line).write_all(DONE.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// Begins a session, so that the end of the terminal's is nothing to us. The leader of a group
/// can't, and so goes back to the parent's first. If the parent is gone, the group of its own that
/// the janitor was started in has to do.
fn leave_session() {
    let joined = getpgid(Some(getppid())).and_then(|group| setpgid(Pid::from_raw(0), group));
    let _ = joined.and_then(|()| setsid());
}
