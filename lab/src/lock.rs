//! One lab of a name at a time: a lock that tells a live lab from what a dead one left.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{process, thread};

use anyhow::{Context, Result};

use crate::refusal::Refusal;
use crate::topology::LabName;

const DIRECTORY: &str = "/run/lab";

/// How long to wait for the janitor of a lab that is dead already.
const JANITOR_GRACE: Duration = Duration::from_secs(5);

/// A held lock. Its file is the proof that namespaces of this lab's name are a lab's, and goes
/// with [`remove`]; the lock itself goes with the last process that holds the file open.
pub(crate) struct Lock {
    /// The open file; duplicates of it hold the same lock.
    pub(crate) file: File,
    /// Whether the file was there before: a lab died without clearing up.
    pub(crate) inherited: bool,
}

/// The path of a lab's lock.
pub(crate) fn path(lab: &LabName) -> PathBuf {
    Path::new(DIRECTORY).join(format!("{lab}.lock"))
}

/// Takes a lab's lock, or refuses with the process id of the lab that has it.
pub(crate) fn take(lab: &LabName) -> Result<Lock> {
    let since = Instant::now();
    loop {
        match try_take(&path(lab)).with_context(|| format!("lock {}", path(lab).display()))? {
            Attempt::Taken(lock) => return Ok(lock),
            // The file was removed meanwhile; there is a new one, or none.
            Attempt::Stale => {}
            Attempt::HeldBy(owner) => {
                let alive = owner.is_some_and(|pid| Path::new(&format!("/proc/{pid}")).exists());
                if alive || since.elapsed() > JANITOR_GRACE {
                    let owner = owner_text(owner);
                    return Err(Refusal::because(
                        format!("a lab named {lab} is running{owner}"),
                        "stop that one first, or choose another name with --name",
                    ));
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Removes a lab's lock file; the caller must hold the lock.
pub(crate) fn remove(lab: &LabName) -> Result<()> {
    match fs::remove_file(path(lab)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("remove {}", path(lab).display()));
        }
        _ => {}
    }
    // Fails while another lab has its lock there, as it should.
    let _ = fs::remove_dir(DIRECTORY);
    Ok(())
}

enum Attempt {
    Taken(Lock),
    Stale,
    HeldBy(Option<u32>),
}

fn try_take(path: &Path) -> Result<Attempt> {
    match fs::create_dir_all(DIRECTORY) {
        // It was there, and another lab that ended took it away before it was looked at again.
        Err(error)
            if error.kind() == ErrorKind::AlreadyExists && !Path::new(DIRECTORY).is_file() =>
        {
            return Ok(Attempt::Stale);
        }
        made => made?,
    }
    let inherited = path.exists();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Attempt::Stale),
        opened => opened?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(Attempt::HeldBy(read_owner(&mut file))),
        Err(fs::TryLockError::Error(error)) => return Err(error.into()),
    }
    let same = fs::metadata(path).is_ok_and(|now| {
        file.metadata()
            .is_ok_and(|held| (now.dev(), now.ino()) == (held.dev(), held.ino()))
    });
    if !same {
        return Ok(Attempt::Stale);
    }
    file.rewind()?;
    file.set_len(0)?;
    write!(file, "{}", process::id())?;
    Ok(Attempt::Taken(Lock { file, inherited }))
}

fn read_owner(file: &mut File) -> Option<u32> {
    let mut owner = String::new();
    file.read_to_string(&mut owner).ok()?;
    owner.parse().ok()
}

fn owner_text(owner: Option<u32>) -> String {
    owner.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}
