//! Client libraries of the real world, in Python: virtual environments in the target folder, with
//! the versions and hashes that are pinned beside what uses them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::debian;
use crate::process::{self, note};
use crate::workspace;

/// A virtual environment.
struct Environment {
    /// Its folder in the target folder.
    name: &'static str,
    /// What is pinned.
    requirements: &'static str,
}

/// Clients of every protocol; and those whose resilience patterns are known, which others would
/// only weigh down.
const ENVIRONMENTS: [Environment; 2] = [
    Environment {
        name: "python",
        requirements: "tests/python/requirements.txt",
    },
    Environment {
        name: "patterns-python",
        requirements: "tests/patterns/requirements.txt",
    },
];

/// Makes sure that the environments are there and hold what is pinned.
///
/// # Errors
/// If there is no Python, or a package can't be had.
pub(crate) fn ensure_python() -> Result<()> {
    ENVIRONMENTS.iter().try_for_each(Environment::ensure)
}

/// What [`ensure_python`] would do, in words.
pub(super) fn plan() -> Vec<String> {
    let missing = ENVIRONMENTS.iter().filter(|it| {
        let wanted = it.wanted();
        !wanted.is_ok_and(|wanted| it.is_there(&wanted))
    });
    let step =
        |it: &Environment| format!("install {} into {}", it.requirements, it.folder().display());
    missing.map(step).collect()
}

impl Environment {
    fn ensure(&self) -> Result<()> {
        let (wanted, folder) = (self.wanted()?, self.folder());
        if self.is_there(&wanted) {
            return Ok(());
        }
        let requirements = self.requirements;
        note(&format!(
            "installing {requirements} into {}",
            folder.display()
        ));
        let _ = fs::remove_dir_all(&folder);
        if self.make().is_err() {
            // No Python, or one without the part of it that makes environments.
            let _ = fs::remove_dir_all(&folder);
            debian::install(&["python3-venv"])?;
            self.make().context("make a Python environment")?;
        }
        let mut install = Command::new(folder.join("bin/python"));
        install
            .args(["-m", "pip", "--disable-pip-version-check", "--quiet"])
            .args(["install", "--only-binary=:all:", "--require-hashes", "-r"])
            .arg(workspace::root().join(requirements));
        process::output(&mut install).with_context(|| format!("install {requirements}"))?;
        fs::write(self.stamp(), wanted).context("note what the Python environment holds")
    }

    fn make(&self) -> Result<()> {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(self.folder());
        process::output(&mut make).map(drop)
    }

    fn folder(&self) -> PathBuf {
        workspace::target_dir().join(self.name)
    }

    /// Where it is written down what was installed: another list means another environment.
    fn stamp(&self) -> PathBuf {
        self.folder().join("requirements.txt")
    }

    fn is_there(&self, wanted: &str) -> bool {
        let installed = fs::read_to_string(self.stamp()).unwrap_or_default();
        installed == wanted && self.folder().join("bin/python").is_file()
    }

    fn wanted(&self) -> Result<String> {
        let file = workspace::root().join(self.requirements);
        fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))
    }
}
