//! probe as a child process: started, waited for until its fault holds, signalled, and heard out.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{SigHandler, Signal, kill, signal},
    unistd::Pid,
};
use serde_json::Value;

use crate::{
    bpf::Object,
    patience::{LONG, wait_for, wait_until},
    programs,
};

/// What is in the environment of every process that a probe started here starts.
const MARK: &str = "PROBE_TESTS_MARK";

/// Names the audit log.
const AUDIT: &str = "PROBE_AUDIT";

/// Names the folder that journals are kept in.
const STATE: &str = "XDG_STATE_HOME";

/// Tells the probes of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// How long a probe gets to undo its doings before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// A running probe. Ended when dropped.
#[derive(Debug)]
pub struct Probe {
    child: Child,
    mark: String,
    stderr: Arc<Mutex<String>>,
    readers: Option<(JoinHandle<String>, JoinHandle<()>)>,
}

/// A probe that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// All it wrote on standard output.
    pub stdout: String,
    /// All it wrote on standard error.
    pub stderr: String,
}

impl Probe {
    /// Starts probe with arguments separated by spaces.
    ///
    /// # Errors
    /// Where there is no probe, or it can't be started.
    pub fn start(arguments: &str) -> Result<Self> {
        let mut command = Command::new(programs::probe()?);
        command.args(arguments.split_whitespace());
        Self::spawn(command)
    }

    /// Starts a fault and waits until it holds. The result will be JSON.
    ///
    /// # Errors
    /// Where it doesn't come to hold: with what probe said.
    pub fn inject(arguments: &str) -> Result<Self> {
        let mut probe = Self::start(&format!("inject -o json {arguments}"))?;
        probe.wait_for("armed:")?;
        Ok(probe)
    }

    /// Starts a command that is probe, or becomes it.
    ///
    /// # Errors
    /// Where it can't be started.
    pub fn spawn(mut command: Command) -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{number}", std::process::id());
        if command.get_envs().all(|(name, _)| name != AUDIT) {
            // The host's own log is for what people do.
            command.env(AUDIT, std::env::temp_dir().join("probe-tests-audit.jsonl"));
        }
        if command.get_envs().all(|(name, _)| name != STATE) {
            // So are the journals that it keeps.
            command.env(STATE, std::env::temp_dir().join("probe-tests-state"));
        }
        hear_signals(&mut command);
        let mut child = command
            .env(MARK, &mark)
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let stderr = child.stderr.take().context("no standard error")?;
        let told = Arc::new(Mutex::new(String::new()));
        let telling = Arc::clone(&told);
        let hear_out = move || {
            let mut text = String::new();
            let _ = BufReader::new(stdout).read_to_string(&mut text);
            text
        };
        let listen = move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut told = telling.lock().unwrap_or_else(PoisonError::into_inner);
                told.push_str(&line);
                told.push('\n');
            }
        };
        Ok(Self {
            child,
            mark,
            stderr: told,
            readers: Some((thread::spawn(hear_out), thread::spawn(listen))),
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written on standard error so far.
    pub fn stderr(&self) -> String {
        let told = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    /// Waits until it has written some words on standard error.
    ///
    /// # Errors
    /// Where it ends without, or takes too long.
    pub fn wait_for(&mut self, words: &str) -> Result<()> {
        wait_for(&format!("probe to say {words:?}"), LONG, || {
            if self.stderr().contains(words) {
                return Ok(Some(()));
            }
            if let Some(status) = self.child.try_wait()? {
                // The last words may still be on their way.
                thread::sleep(Duration::from_millis(20));
                if !self.stderr().contains(words) {
                    bail!("probe ended, {status}: {}", self.stderr());
                }
            }
            Ok(None)
        })
        .with_context(|| self.stderr())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.pid() as i32), signal).with_context(|| format!("{signal} to probe"))
    }

    /// Waits for its end and returns what it said.
    ///
    /// # Errors
    /// Where it doesn't end in `patience`; it is ended then.
    pub fn finish_within(mut self, patience: Duration) -> Result<Ended> {
        let status = wait_for("probe to end", patience, || Ok(self.child.try_wait()?))
            .with_context(|| self.stderr())?;
        let (stdout, listening) = self.readers.take().context("heard out already")?;
        let stdout = stdout.join().unwrap_or_default();
        let _ = listening.join();
        Ok(Ended {
            status,
            stdout,
            stderr: self.stderr(),
        })
    }

    /// Waits for its end and returns what it said.
    ///
    /// # Errors
    /// Where it doesn't end.
    pub fn finish(self) -> Result<Ended> {
        self.finish_within(LONG)
    }

    /// Stops it with a signal that it may handle, and returns what it said.
    ///
    /// # Errors
    /// Where it doesn't end.
    pub fn end(self, signal: Signal) -> Result<Ended> {
        self.signal(signal)?;
        self.finish()
    }

    /// The kernel objects that it holds: programs, maps and links.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn objects(&self) -> Result<BTreeSet<Object>> {
        Object::held_by(self.pid())
    }

    /// Something that outlives it and knows its processes.
    pub fn family(&self) -> Kin {
        Kin {
            mark: format!("{MARK}={}", self.mark),
        }
    }
}

/// Lets a program be interrupted and hung up on, also where this one was started in the background
/// by a shell, or by nohup, that have programs ignore it.
fn hear_signals(command: &mut Command) {
    // SAFETY: it is called between fork and exec, and makes two system calls.
    unsafe {
        command.pre_exec(|| {
            signal(Signal::SIGINT, SigHandler::SigDfl)?;
            signal(Signal::SIGHUP, SigHandler::SigDfl)?;
            Ok(())
        });
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = self.signal(Signal::SIGTERM);
        let _ = self.signal(Signal::SIGCONT);
        let ended = wait_until("probe to end", GRACE, || {
            matches!(self.child.try_wait(), Ok(Some(_)))
        });
        if ended.is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A probe and all the processes it started, whoever their parent is by now.
#[derive(Clone, Debug)]
pub struct Kin {
    mark: String,
}

impl Kin {
    /// Process ids and command names of those that live.
    pub fn alive(&self) -> Vec<String> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter(|process| {
                fs::read(process.path().join("environ")).is_ok_and(|environment| {
                    environment
                        .split(|&byte| byte == 0)
                        .any(|entry| entry == self.mark.as_bytes())
                })
            })
            .map(|process| {
                let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
                format!("{} {}", process.file_name().display(), name.trim())
            })
            .collect()
    }
}

impl Ended {
    /// The exit code; a signal's number below zero where one ended it.
    pub fn code(&self) -> i32 {
        let by_signal = || self.status.signal().map_or(i32::MIN, |signal| -signal);
        self.status.code().unwrap_or_else(by_signal)
    }

    /// Its standard output as one JSON document.
    ///
    /// # Errors
    /// Where it isn't one, with what it said instead.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("not JSON: {self:?}"))
    }

    /// One of the counters of an injection.
    ///
    /// # Errors
    /// Where there is no such counter.
    pub fn counter(&self, name: &str) -> Result<u64> {
        self.json()?["counters"][name]
            .as_u64()
            .with_context(|| format!("no counter {name}: {self:?}"))
    }
}
