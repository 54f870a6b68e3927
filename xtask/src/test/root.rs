//! Tests that need root. Most of their time is waiting, for a fault's time to be over or for
//! somebody to give up, so those that don't measure time run several at once.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::count::Count;
use super::stages::{cargo_test, cargo_test_command};
use crate::workspace::{self, HOST_CRATES};

/// Files of tests that count and wait, and don't mind whom they share the machine with. Who does mind
/// another probe says so by taking a turn of its own.
const SOCIABLE: [&str; 13] = [
    "audit",
    "chance",
    "connect",
    "corrupt",
    "dns",
    "http_status",
    "names",
    "near",
    "processes",
    "protect",
    "reach",
    "refusal",
    "reset",
];

/// How many of those run at once: a few more than a small machine has CPUs, as they mostly wait.
const AT_ONCE: &str = "--test-threads=4";

/// Runs them all.
pub(super) fn run() -> Result<Count> {
    let programs = workspace::build_programs()?;
    let tests = workspace::root().join("tests/tests");
    let (sociable, lone): (Vec<_>, Vec<_>) = files(&tests)?
        .into_iter()
        .partition(|name| SOCIABLE.contains(&name.as_str()));
    let lone = [lone, files(&workspace::root().join("lab/tests"))?].concat();
    let mut count = cargo_test(&mut command(&programs, &sociable, AT_ONCE))?;
    // One at a time: these measure time.
    count += cargo_test(&mut command(&programs, &lone, "--test-threads=1"))?;
    Ok(count)
}

/// Names of the files of tests in a folder, those of more than one file included.
fn files(folder: &Path) -> Result<Vec<String>> {
    let reading = || format!("read {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        if path.extension().is_some_and(|it| it == "rs") || path.join("main.rs").is_file() {
            let stem = path.file_stem().unwrap_or_default();
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// With every crate, so that cargo chooses the features it built the programs with.
fn command(programs: &Path, files: &[String], threads: &str) -> Command {
    let mut command = cargo_test_command();
    command.args(HOST_CRATES);
    for file in files {
        command.args(["--test", file]);
    }
    command.args(["--", "--ignored", threads]);
    command
        .env("PROBE_BIN", programs.join("probe"))
        .env("LAB_BIN", programs.join("lab"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sociable_file_is_there() {
        let there = files(&workspace::root().join("tests/tests")).unwrap();
        for name in SOCIABLE {
            assert!(there.iter().any(|it| it == name), "{name}");
        }
    }
}
