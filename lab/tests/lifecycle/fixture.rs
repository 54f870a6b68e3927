//! A lab under test: its process, what it said, and what is left of it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// The program under test.
pub(crate) const LAB: &str = env!("CARGO_BIN_EXE_lab");

/// Longer than anything here should take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// A running lab. Killed when dropped, after which its janitor clears up.
pub(crate) struct Lab {
    name: String,
    process: Child,
    stdout: BufReader<ChildStdout>,
    /// What it said when it was ready.
    pub(crate) ready: Value,
    record: PathBuf,
}

impl Lab {
    /// Starts a lab and waits until it is ready.
    pub(crate) fn up(name: &str, arguments: &[&str]) -> Self {
        let record = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.jsonl"));
        let mut process = Command::new(LAB)
            .args(["up", "--name", name, "--record"])
            .arg(&record)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).expect("a line saying that it is ready");
        Self {
            name: name.to_owned(),
            process,
            stdout,
            ready,
            record,
        }
    }

    /// Sends a signal to one of its roles.
    pub(crate) fn signal(&self, role: &str, signal: Signal) {
        let pid = self.ready["pids"][role].as_i64().unwrap();
        kill(Pid::from_raw(pid as i32), signal).unwrap();
    }

    /// Waits until so many calls are in the record.
    pub(crate) fn wait_for_calls(&self, count: usize) {
        wait_until("calls are recorded", || {
            fs::read_to_string(&self.record).is_ok_and(|text| text.lines().count() >= count)
        });
    }

    /// Ends it by a signal; returns its exit status and summary, and checks that nothing is left.
    pub(crate) fn end(&mut self, signal: Signal) -> (ExitStatus, Value) {
        kill(Pid::from_raw(self.process.id() as i32), signal).unwrap();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let status = self.wait();
        assert_eq!(self.leftovers(), Vec::<String>::new());
        (
            status,
            serde_json::from_str(&rest).expect("one line, the summary"),
        )
    }

    /// The calls in its record.
    pub(crate) fn calls(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.record).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_until("the lab ends", || {
            self.process.try_wait().unwrap().is_some()
        });
        self.process.wait().unwrap()
    }

    /// Ends it as no program can prevent.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Kills the process that would clear up.
    pub(crate) fn kill_janitor(&self) {
        let children = format!("/proc/{0}/task/{0}/children", self.process.id());
        let children = fs::read_to_string(children).unwrap();
        let janitor = children
            .split_whitespace()
            .find(|pid| comm(pid).as_deref() == Some("lab-janitor"))
            .expect("a janitor");
        kill(Pid::from_raw(janitor.parse().unwrap()), Signal::SIGKILL).unwrap();
    }

    /// Ends its standard input.
    pub(crate) fn close_stdin(&mut self) {
        drop(self.process.stdin.take());
    }

    /// Namespaces, lock and processes that are still there.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let names = [
            "shop",
            "payments",
            "inventory",
            "recommendations",
            "customers",
        ];
        let files = names
            .map(|role| format!("/run/netns/{}-{role}", self.name))
            .into_iter()
            .chain([format!("/run/lab/{}.lock", self.name)])
            .filter(|path| Path::new(path).exists());
        let alive = names
            .into_iter()
            .filter(|role| comm(&self.ready["pids"][role].to_string()).as_deref() == Some(*role))
            .map(str::to_owned);
        files.chain(alive).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.record);
    }
}

/// Looks until `condition` holds; fails after a while.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < DEADLINE, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The name of a process that is alive, zombies excepted.
fn comm(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (before, after) = stat.rsplit_once(')')?;
    let alive = !after.trim_start().starts_with('Z');
    alive.then(|| before.split_once('(').map(|(_, name)| name.to_owned()))?
}
