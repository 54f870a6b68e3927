//! Starts qemu, reads its console and ends it. Ctrl-C reaches qemu as it reaches this program; if
//! this program is killed, the machine ends by itself when the tests are over or time is up.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::console::{Console, End, Outcome};
use crate::process;
use crate::setup::KernelFiles;

/// Warnings and worse are shown. A panic or a fault in the kernel ends the machine at once.
const COMMAND_LINE: &str =
    "console=ttyS0 loglevel=4 panic=-1 oops=panic softlockup_panic=1 mitigations=off";

/// How long a machine may take to end after the tests are over.
const GRACE: Duration = Duration::from_secs(5);

/// How long a machine may take until it says its first word, which takes seconds; and how often it is
/// booted until it does.
const BOOT_PATIENCE: Duration = Duration::from_secs(120);
const BOOTS: u32 = 3;

/// What the row of a table begins with.
const ROW: &str = "row ";

/// What a machine's run came to.
#[derive(Debug)]
pub(super) struct Run {
    /// The tests in it.
    pub(super) outcome: Outcome,
    /// The kernel's full version.
    pub(super) release: String,
    /// Rows of a table that it measured.
    pub(super) rows: Vec<String>,
}

/// An emulator that runs.
struct Machine {
    child: Child,
    reader: Option<JoinHandle<()>>,
    lines: Receiver<String>,
    /// The first line, which was waited for.
    first: Option<String>,
}

/// Boots `kernel` with `initramfs`, prints its console and counts the tests it names. What it writes
/// on its second serial line goes into a file, if one is named.
///
/// # Errors
/// If qemu can't be started.
pub(super) fn run(
    kernel: &KernelFiles,
    initramfs: &Path,
    patience: Duration,
    second_line: Option<&Path>,
) -> Result<Run> {
    let begun = Instant::now();
    let mut machine = Machine::boot(kernel, initramfs, second_line)?;
    let mut console = Console::default();
    let mut rows = Vec::new();
    let end = machine.watch(&mut console, &mut rows, Instant::now() + patience);
    // What follows a panic is its reason: it is shown until the machine is down.
    for line in machine.drain(Instant::now() + GRACE) {
        println!("  {line}");
    }
    machine.stop()?;
    let (outcome, fault) = console.conclude(&end);
    if let Some(fault) = fault {
        println!("FAILED machine: {fault}");
    }
    process::note(&format!(
        "the machine ran {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    Ok(Run {
        outcome,
        release: kernel.release.clone(),
        rows,
    })
}

/// The emulator, with nothing in the machine but processors, memory and a serial line.
///
/// `-cx16`: emulated cmpxchg16b on two processors made Linux 6.12 fault; without it the kernel
/// takes another way.
fn qemu(kernel: &Path, initramfs: &Path, second_line: Option<&Path>) -> Command {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args([
        "-accel",
        "tcg,thread=multi",
        "-machine",
        "q35",
        "-cpu",
        "qemu64,-cx16",
    ]);
    qemu.args([
        "-smp",
        "2",
        "-m",
        "1024",
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
    ]);
    qemu.args([
        "-display",
        "none",
        "-serial",
        "stdio",
        "-append",
        COMMAND_LINE,
    ]);
    qemu.arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(initramfs);
    if let Some(file) = second_line {
        qemu.arg("-serial").arg(format!("file:{}", file.display()));
    }
    qemu.stdin(Stdio::null()).stdout(Stdio::piped());
    qemu
}

fn read_lines(stdout: impl Read, lines: &Sender<String>) {
    let mut reader = BufReader::new(stdout);
    let mut bytes = Vec::new();
    while reader
        .read_until(b'\n', &mut bytes)
        .is_ok_and(|length| length > 0)
    {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        bytes.clear();
        if lines.send(line).is_err() {
            break;
        }
    }
}

impl Machine {
    /// Boots one, and again where it says nothing at all: an emulated machine of several processors
    /// stands still now and then before its kernel has begun.
    fn boot(kernel: &KernelFiles, initramfs: &Path, second_line: Option<&Path>) -> Result<Self> {
        for _ in 1..BOOTS {
            let mut machine = Self::start(&kernel.image, initramfs, second_line)?;
            match machine.lines.recv_timeout(BOOT_PATIENCE) {
                Err(RecvTimeoutError::Timeout) => {
                    process::note("the machine says nothing: it is booted again");
                    machine.stop()?;
                }
                first => {
                    machine.first = first.ok();
                    return Ok(machine);
                }
            }
        }
        Self::start(&kernel.image, initramfs, second_line)
    }

    fn start(kernel: &Path, initramfs: &Path, second_line: Option<&Path>) -> Result<Self> {
        let mut qemu = qemu(kernel, initramfs, second_line);
        let mut child = qemu
            .spawn()
            .with_context(|| format!("start {}", process::describe(&qemu)))?;
        let (sender, lines) = channel();
        let stdout = child.stdout.take().context("take the console")?;
        Ok(Self {
            child,
            reader: Some(thread::spawn(move || read_lines(stdout, &sender))),
            lines,
            first: None,
        })
    }

    fn line(&mut self, deadline: Instant) -> Result<String, RecvTimeoutError> {
        let left = || deadline.saturating_duration_since(Instant::now());
        self.first
            .take()
            .map_or_else(|| self.lines.recv_timeout(left()), Ok)
    }

    /// Reads until the run ends, one way or another.
    fn watch(&mut self, console: &mut Console, rows: &mut Vec<String>, deadline: Instant) -> End {
        loop {
            match self.line(deadline) {
                Ok(line) => {
                    println!("  {line}");
                    rows.extend(line.strip_prefix(ROW).map(str::to_owned));
                    if let Some(end) = console.line(&line) {
                        return end;
                    }
                }
                Err(RecvTimeoutError::Timeout) => return End::Silent,
                Err(RecvTimeoutError::Disconnected) => return End::Stopped,
            }
        }
    }

    fn drain(&mut self, deadline: Instant) -> impl Iterator<Item = String> {
        std::iter::from_fn(move || self.line(deadline).ok())
    }

    /// Ends the machine if it hasn't ended by itself, and waits for it.
    fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            // It may end in between; then there is nothing to kill.
            let _ = self.child.kill();
        }
        self.child.wait().context("wait for qemu")?;
        // The child's end has closed the console, so it can't wait for ever.
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        Ok(())
    }
}
