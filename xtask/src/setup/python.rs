//! Client libraries of the real world, in Python: a virtual environment in the target folder, with
//! the versions and hashes that tests/python/requirements.txt pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::debian;
use crate::process::{self, note};
use crate::workspace;

/// What is pinned.
const REQUIREMENTS: &str = "tests/python/requirements.txt";

/// Makes sure that the environment is there and holds what is pinned.
///
/// # Errors
/// If there is no Python, or a package can't be had.
pub(crate) fn ensure_python() -> Result<()> {
    let wanted = wanted()?;
    let folder = folder();
    if is_there(&folder, &wanted) {
        return Ok(());
    }
    note(&format!(
        "installing {REQUIREMENTS} into {}",
        folder.display()
    ));
    let _ = fs::remove_dir_all(&folder);
    if make(&folder).is_err() {
        // No Python, or one without the part of it that makes environments.
        let _ = fs::remove_dir_all(&folder);
        debian::install(&["python3-venv"])?;
        make(&folder).context("make a Python environment")?;
    }
    let mut install = Command::new(folder.join("bin/python"));
    install
        .args(["-m", "pip", "--disable-pip-version-check", "--quiet"])
        .args(["install", "--only-binary=:all:", "--require-hashes", "-r"])
        .arg(workspace::root().join(REQUIREMENTS));
    process::output(&mut install).with_context(|| format!("install {REQUIREMENTS}"))?;
    fs::write(stamp(&folder), wanted).context("note what the Python environment holds")
}

/// What [`ensure_python`] would do, in words.
pub(super) fn plan() -> Option<String> {
    let folder = folder();
    let is_there = wanted().is_ok_and(|wanted| is_there(&folder, &wanted));
    (!is_there).then(|| format!("install {REQUIREMENTS} into {}", folder.display()))
}

fn make(folder: &Path) -> Result<()> {
    process::output(Command::new("python3").args(["-m", "venv"]).arg(folder)).map(drop)
}

fn folder() -> PathBuf {
    workspace::target_dir().join("python")
}

/// Where it is written down what was installed: another list means another environment.
fn stamp(folder: &Path) -> PathBuf {
    folder.join("requirements.txt")
}

fn is_there(folder: &Path, wanted: &str) -> bool {
    let installed = fs::read_to_string(stamp(folder)).unwrap_or_default();
    installed == wanted && folder.join("bin/python").is_file()
}

fn wanted() -> Result<String> {
    let file = workspace::root().join(REQUIREMENTS);
    fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))
}
