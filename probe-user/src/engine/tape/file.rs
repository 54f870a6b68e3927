//! The file of a journal: made beside its place, put there with its first line, appended to.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::Destination;
use crate::journal::Writer;

/// What journals that are kept may take together.
const LARGEST: u64 = 1 << 30;

/// How a journal's name ends.
const ENDING: &str = ".jsonl";

/// See the file's head.
#[derive(Debug)]
pub(super) struct TapeFile {
    path: PathBuf,
    file: File,
    /// Length of what was written well.
    length: u64,
    has_failed: bool,
}

impl TapeFile {
    /// Makes it.
    pub(super) fn make(destination: &Destination) -> Result<Self> {
        let Destination { folder, name, .. } = destination;
        let is_own = destination.keep.is_some();
        // A scenario's commands may hold what isn't everybody's.
        let mode = if is_own { 0o700 } else { 0o777 };
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(folder)
            .with_context(|| format!("making the folder \"{}\"", folder.display()))?;
        let path = folder.join(name);
        let temporary = folder.join(format!(".{name}.{}", std::process::id()));
        let made = || -> io::Result<(File, u64)> {
            let _ = fs::remove_file(&temporary);
            let mut file = OpenOptions::new()
                .append(true)
                .create_new(true)
                .mode(if is_own { 0o600 } else { 0o666 })
                .open(&temporary)?;
            let first = Writer::begin(&destination.begin);
            file.write_all(first.as_bytes())?;
            fs::rename(&temporary, &path)?;
            Ok((file, first.len() as u64))
        };
        let (file, length) = made()
            .inspect_err(|_| {
                // What is there of it is in the way of whoever makes room.
                let _ = fs::remove_file(&temporary);
            })
            .with_context(|| format!("making \"{}\"", path.display()))?;
        if let Some(keep) = destination.keep {
            prune(folder, keep);
        }
        Ok(Self {
            path,
            file,
            length,
            has_failed: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How long it is.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Appends a line. Once one couldn't be written, nothing more is but the last, which all
    /// reports can be made from: there may be room again.
    pub(super) fn append(&mut self, line: &str, is_last: bool) -> io::Result<()> {
        if self.has_failed && !is_last {
            return Ok(());
        }
        let written = self.file.write_all(line.as_bytes());
        match written {
            Ok(()) => self.length += line.len() as u64,
            Err(_) => {
                self.has_failed = true;
                // A piece of a line is in the way of what comes after it.
                let _ = self.file.set_len(self.length);
            }
        }
        written
    }

    /// Sees that it outlives the host's end.
    pub(super) fn sync(&self) {
        let _ = self.file.sync_all();
    }
}

/// Removes the oldest journals beyond so many or so large; their names begin with when they
/// began. The newest is the one being made, and stays.
fn prune(folder: &Path, keep: usize) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let names = entries.flatten().map(|it| it.file_name());
    let is_ours = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy();
        name.starts_with("20") && name.ends_with(ENDING)
    };
    let mut journals: Vec<_> = names.filter(is_ours).collect();
    journals.sort_unstable();
    let mut size = 0;
    for (n, name) in journals.iter().rev().enumerate() {
        let file = folder.join(name);
        size += fs::metadata(&file).map_or(0, |it| it.len());
        if n >= keep || (n > 0 && size > LARGEST) {
            let _ = fs::remove_file(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_room_only_the_last_line_is_tried_again() {
        // All that is written to it finds no room.
        let file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let mut full = TapeFile {
            path: "/dev/full".into(),
            file,
            length: 0,
            has_failed: false,
        };
        let error = full.append("{}\n", false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        full.append("{}\n", false).unwrap();
        assert!(full.append("{}\n", true).is_err());
    }

    #[test]
    fn room_again_is_made_use_of_for_the_last_line() {
        let name = format!("probe-tape-file-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, "{\"first\":1}\n{\"torn").unwrap();
        let mut file = TapeFile {
            file: OpenOptions::new().append(true).open(&path).unwrap(),
            path: path.clone(),
            length: 12,
            has_failed: true,
        };
        file.file.set_len(file.length).unwrap();
        file.append("{\"passed over\":1}\n", false).unwrap();
        file.append("{\"last\":1}\n", true).unwrap();
        let written = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(written, "{\"first\":1}\n{\"last\":1}\n");
    }
}
