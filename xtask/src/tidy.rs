//! `cargo xtask tidy`: the rules of the house that a machine can check. Each finding has its place
//! and one line of reason; what takes judgement is left to readers.

mod boundaries;
mod manifests;
mod paths;
mod safety;
mod shape;
mod source;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace;
use source::Source;

/// A rule that is broken, and where.
#[derive(Debug, PartialEq)]
struct Finding {
    file: String,
    /// From 1; 0 where the whole file is meant.
    line: usize,
    reason: String,
}

impl Finding {
    fn new(file: &str, line: usize, reason: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line.max(1), self.reason)
    }
}

/// Checks every rule and prints what breaks one.
///
/// # Errors
/// If a file can't be read. Broken rules are in the exit code.
pub(crate) fn command() -> Result<ExitCode> {
    Ok(if check()? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Checks every rule, prints what breaks one, and tells whether all hold.
///
/// # Errors
/// If a file can't be read.
pub(crate) fn check() -> Result<bool> {
    let root = workspace::root();
    let sources = read_sources(&root)?;
    let mut findings = manifests::check(&root)?;
    for source in &sources {
        findings.extend(boundaries::check(source));
        findings.extend(safety::check(source));
        findings.extend(shape::check(source));
    }
    let measures = shape::measure(&sources);
    findings.extend(measures.check());
    findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    for finding in &findings {
        println!("{finding}");
    }
    for source in sources
        .iter()
        .filter(|source| shape::is_getting_long(source))
    {
        println!(
            "warning: {}: {} lines; think about splitting it",
            source.file,
            source.lines().len()
        );
    }
    println!("tidy: {measures}, {} findings", findings.len());
    Ok(findings.is_empty())
}

/// Reads every Rust file of every crate in the repository.
fn read_sources(root: &Path) -> Result<Vec<Source>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root)?.flatten() {
        if entry.path().join("Cargo.toml").is_file() {
            collect(&entry.path(), &mut files)?;
        }
    }
    files.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let file = path
            .strip_prefix(root)
            .unwrap_or(path)
            .to_string_lossy()
            .into_owned();
        Ok(Source::new(&file, &text))
    };
    files.iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        // A symlink is looked at where it points to, if that is in the repository at all.
        let kind = entry.file_type()?;
        if kind.is_dir() && !path.ends_with("target") {
            collect(&path, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
