//! `--report`: the folder that a game day's reports go into.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};

use super::journal_place;
use crate::report::{self, occasion::Occasion};

/// How a report is made.
type Maker = fn(&Occasion) -> String;

/// What is written, and how each is made.
const REPORTS: [(&str, Maker); 4] = [
    ("verdict.json", |it| {
        report::json::verdict(it.verdict) + "\n"
    }),
    ("junit.xml", report::junit::junit),
    ("report.md", report::markdown::markdown),
    ("report.html", report::html::html),
];

/// What the beginning of a report has in it, so that it may be replaced by a newer one.
const MARKS: [&str; 3] = [
    report::MARK,
    "\"schema\": \"probe.verdict/",
    "\"schema\":\"probe.journal/",
];

/// Where a mark stands at the latest.
const BEGINNING: u64 = 512;

/// A folder that reports can be written into.
#[derive(Debug)]
pub struct ReportFolder {
    path: PathBuf,
}

impl ReportFolder {
    /// Makes the folder where it isn't there, and sees that reports can be written into it:
    /// before anything is injected.
    ///
    /// # Errors
    /// Where that isn't so, or files of somebody else's have the reports' names.
    pub fn prepare(path: PathBuf) -> Result<Self> {
        let name = path.display();
        fs::create_dir_all(&path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
                anyhow!("report: \"{name}\": it is a file, or is below one\nhint: name a folder")
            }
            _ => anyhow!("report: making the folder \"{name}\": {error}"),
        })?;
        let reports = REPORTS.iter().map(|(name, _)| *name);
        for name in reports.chain([journal_place::NAME]) {
            refuse_others(&path.join(name))?;
        }
        let folder = Self { path };
        // The same way that reports go, so that what can go wrong does so here.
        let trial = temporary(&folder.path.join("trial"));
        put(&trial, "probe\n")?;
        let removed = fs::remove_file(&trial);
        removed.with_context(|| format!("report: removing \"{}\"", trial.display()))?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes every report, each whole or not at all; one that fails doesn't keep the others.
    ///
    /// # Errors
    /// The first of what went wrong.
    pub fn write(&self, occasion: &Occasion) -> Result<()> {
        let all = REPORTS.map(|(name, make)| replace(&self.path.join(name), &make(occasion)));
        all.into_iter().collect()
    }
}

/// Makes one of the reports, by its name in a folder of them; an unknown one is empty.
pub fn make(name: &str, occasion: &Occasion) -> String {
    let found = REPORTS.iter().find(|(report, _)| *report == name);
    found.map_or_else(String::new, |(_, make)| make(occasion))
}

/// Writes a file whole or not at all.
///
/// # Errors
/// Where it can't be written; what was there is there still.
pub fn replace(file: &Path, text: &str) -> Result<()> {
    // A device or a pipe is written to, not replaced.
    if fs::metadata(file).is_ok_and(|it| !it.is_file() && !it.is_dir()) {
        return fs::write(file, text)
            .with_context(|| format!("report: writing \"{}\"", file.display()));
    }
    let temporary = temporary(file);
    let written = put(&temporary, text).and_then(|()| {
        fs::rename(&temporary, file)
            .with_context(|| format!("report: writing \"{}\"", file.display()))
    });
    if written.is_err() {
        // What is there of it is in the way of whoever makes room.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn temporary(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.{}", std::process::id()))
}

/// Writes a file, down to the disk: one that has no room for it says so then at the latest.
fn put(file: &Path, text: &str) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut made = File::create(file)?;
        made.write_all(text.as_bytes())?;
        made.sync_all()
    };
    write().map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::StorageFull => "\nhint: make room, or name a folder on another disk",
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                "\nhint: name a folder that can be written into"
            }
            _ => "",
        };
        anyhow!("report: writing \"{}\": {error}{hint}", file.display())
    })
}

/// Refuses a file that is there and isn't a report of probe's.
fn refuse_others(file: &Path) -> Result<()> {
    let name = file.display();
    let mut beginning = Vec::new();
    match File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => bail!("report: \"{name}\" is there and can't be read: {error}"),
        Ok(there) => there
            .take(BEGINNING)
            .read_to_end(&mut beginning)
            .with_context(|| format!("report: \"{name}\" is there and can't be read"))?,
    };
    let beginning = String::from_utf8_lossy(&beginning);
    match MARKS.iter().any(|mark| beginning.contains(mark)) {
        true => Ok(()),
        false => bail!(
            "report: \"{name}\" is there, and isn't a report of probe's\n\
             hint: name another folder, or move the file away"
        ),
    }
}

#[cfg(test)]
mod tests;
