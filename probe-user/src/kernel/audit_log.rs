//! The audit log's file: appended to by one process at a time, never rewritten. A line that a
//! crash cut off stays, and the next entry says so.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    os::{fd::AsRawFd, unix::fs::DirBuilderExt, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use nix::{
    errno::Errno,
    fcntl::{FallocateFlags, Flock, FlockArg, fallocate},
    unistd::getuid,
};

use super::{clock, process};
use crate::audit::{
    Entry, Event, SCHEMA, Who,
    chain::{self, Link},
    when::rfc3339,
};

/// Where the log is unless somebody says otherwise.
pub const DEFAULT: &str = "/var/log/probe/audit.jsonl";
/// The variable that says otherwise.
pub const VARIABLE: &str = "PROBE_AUDIT";

/// How long others may keep the log to themselves: each of their writes reaches the disk first, and a
/// busy one takes seconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of the log's end is looked at; no line is longer.
const TAIL: u64 = 4 << 20;
/// Room that is set aside on the disk for the entries of what is armed, so that a disk which
/// fills up meanwhile doesn't keep the end of a fault from being written down.
const ROOM: i64 = 64 << 10;

/// An audit log, by its path.
#[derive(Clone, Debug)]
pub struct AuditLog {
    path: PathBuf,
    who: Who,
}

/// The log while nobody else may write.
#[derive(Debug)]
pub struct Locked<'a> {
    log: &'a AuditLog,
    file: Flock<File>,
    at: Link,
    /// Its last lines, as they were found.
    tail: Vec<u8>,
}

/// Which log is meant: named, or by the environment, or the one there is by default.
pub fn path(named: Option<&Path>) -> PathBuf {
    let said = || env::var_os(VARIABLE).filter(|path| !path.is_empty());
    match named {
        Some(path) => path.to_owned(),
        None => said().map_or_else(|| DEFAULT.into(), PathBuf::from),
    }
}

impl AuditLog {
    /// The log at a path, for this process to write to. No file is made yet.
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            who: this_process(),
        }
    }

    /// Opens the log and keeps others from writing until what is returned is dropped.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn lock(&self) -> Result<Locked<'_>> {
        let open = || -> Result<Locked<'_>> {
            let file = lock(self.open()?)?;
            let mut locked = Locked {
                log: self,
                file,
                at: Link::default(),
                tail: Vec::new(),
            };
            locked.go_to_the_end()?;
            Ok(locked)
        };
        open().with_context(|| self.complaint())
    }

    /// Appends one entry.
    ///
    /// # Errors
    /// Where it can't be written; then the log is as before.
    pub fn append(&self, event: Event) -> Result<()> {
        self.lock()?.append(event)
    }

    fn open(&self) -> Result<File> {
        if let Some(folder) = self
            .path
            .parent()
            .filter(|_| self.path == Path::new(DEFAULT))
        {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        Ok(OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK)
            .open(&self.path)?)
    }

    fn complaint(&self) -> String {
        format!(
            "audit log {}: it can't be written\nhint: name another file with --audit or in \
             {VARIABLE}; nothing is armed that isn't written down",
            self.path.display()
        )
    }
}

impl Locked<'_> {
    /// Appends one entry, on the disk before it returns.
    ///
    /// # Errors
    /// Where it can't be written; then the log is as before.
    pub fn append(&mut self, event: Event) -> Result<()> {
        let written = self.write(event);
        written.with_context(|| self.log.complaint())
    }

    /// Sets room aside on the disk for what will have to be written later.
    ///
    /// # Errors
    /// Where there is none.
    pub fn reserve(&self) -> Result<()> {
        let length = self.file.metadata()?.len();
        let room = fallocate(
            &*self.file,
            FallocateFlags::FALLOC_FL_KEEP_SIZE,
            length as i64,
            ROOM,
        );
        match room {
            Err(Errno::ENOSPC | Errno::EDQUOT) => {
                Err(Errno::ENOSPC).with_context(|| self.log.complaint())
            }
            // Not every file system can.
            _ => Ok(()),
        }
    }

    /// The entries among its last lines, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let lines = self.tail.split(|&byte| byte == b'\n');
        lines.filter_map(|line| Some(chain::unseal(line)?.0))
    }

    /// Finds where the chain stands; goes on behind a line that was cut off, and says so.
    fn go_to_the_end(&mut self) -> Result<()> {
        let metadata = self.file.metadata()?;
        if !metadata.is_file() {
            return Ok(());
        }
        let from = metadata.len().saturating_sub(TAIL);
        self.file.seek(SeekFrom::Start(from))?;
        (&*self.file).take(TAIL).read_to_end(&mut self.tail)?;
        let end = self.tail.iter().rposition(|&byte| byte == b'\n');
        let fragment = self.tail.split_off(end.map_or(0, |end| end + 1));
        let lines = self.tail.split(|&byte| byte == b'\n').rev();
        self.at = lines
            .filter(|line| !line.is_empty())
            .find_map(|line| Some(chain::unseal(line)?.1))
            .unwrap_or_default();
        if fragment.is_empty() {
            return Ok(());
        }
        self.put(b"\n")?;
        log::warn!(
            "audit log {}: its last line was cut off; going on behind it",
            self.log.path.display()
        );
        self.write(Event::Recovered {
            bytes: fragment.len(),
            sha256: chain::sha256(&fragment),
        })
    }

    fn write(&mut self, event: Event) -> Result<()> {
        let entry = Entry {
            schema: SCHEMA.to_owned(),
            seq: self.at.seq + 1,
            at: rfc3339(SystemTime::now().duration_since(UNIX_EPOCH)?),
            monotonic_ns: clock::now_ns(),
            who: self.log.who.clone(),
            event,
            prev: self.at.hash.clone(),
        };
        let (mut line, next) = chain::seal(&entry)?;
        line.push('\n');
        if let Err(error) = self.put(line.as_bytes()) {
            log::error!("audit log: this could not be written: {}", line.trim_end());
            return Err(error);
        }
        self.at = next;
        Ok(())
    }

    /// Appends bytes as a whole, or nothing of them.
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let before = self.file.metadata()?.len();
        let mut file = &*self.file;
        let put = file.write_all(bytes).and_then(|()| file.sync_data());
        match put {
            // What isn't a file has nothing to be synchronised.
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
            Err(error) => {
                // A part of a line that found no room would be taken for one that a crash cut off.
                let _ = file.set_len(before);
                Err(error.into())
            }
            Ok(()) => Ok(()),
        }
    }
}

/// Keeps others from writing. Who doesn't give way in time, hangs.
fn lock(mut file: File) -> Result<Flock<File>> {
    let since = Instant::now();
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => return Ok(locked),
            Err((again, Errno::EWOULDBLOCK)) if since.elapsed() < PATIENCE => {
                file = again;
                std::thread::sleep(Duration::from_millis(2));
            }
            Err((_, Errno::EWOULDBLOCK)) => bail!("another process keeps it locked"),
            Err((_, error)) => return Err(error.into()),
        }
    }
}

/// Whether the process that wrote an entry is still there.
pub fn is_alive(who: &Who) -> bool {
    who.boot == boot() && process::started(who.pid) == Some(who.started)
}

fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

fn this_process() -> Who {
    let pid = std::process::id();
    // Nobody logged in: -1.
    let login_uid = fs::read_to_string("/proc/self/loginuid").ok();
    let login_uid = login_uid.and_then(|uid| uid.trim().parse().ok());
    Who {
        uid: getuid().as_raw(),
        sudo_user: env::var("SUDO_USER").ok().filter(|user| !user.is_empty()),
        login_uid: login_uid.filter(|&uid| uid != u32::MAX),
        pid,
        started: process::started(pid).unwrap_or(0),
        boot: boot(),
        command: env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        tty: terminal(),
    }
}

/// The terminal that this process is at, by the first of its streams that is one.
fn terminal() -> Option<String> {
    let streams = [
        std::io::stdin().as_raw_fd(),
        std::io::stdout().as_raw_fd(),
        std::io::stderr().as_raw_fd(),
    ];
    streams.iter().find_map(|stream| {
        let path = fs::read_link(format!("/proc/self/fd/{stream}")).ok()?;
        let is_terminal = path.starts_with("/dev/pts") || path.starts_with("/dev/tty");
        is_terminal.then(|| path.display().to_string())
    })
}

#[cfg(test)]
mod tests;
