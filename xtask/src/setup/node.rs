//! Client libraries of the real world, for Node: in a folder of the target folder, with the versions
//! and hashes that tests/patterns/package-lock.json pins.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Tool, debian};
use crate::process::{self, note};
use crate::workspace;

/// What is pinned, and by which hashes.
const PINS: [&str; 2] = ["package.json", "package-lock.json"];

/// Node itself, and what installs for it.
const PROGRAMS: [Tool; 2] = [
    Tool {
        package: "nodejs",
        program: "node",
    },
    Tool {
        package: "npm",
        program: "npm",
    },
];

/// Makes sure that Node is there, and a folder that holds what is pinned.
///
/// # Errors
/// If there is no Node, or a package can't be had.
pub(crate) fn ensure_node() -> Result<()> {
    debian::ensure_debian(&PROGRAMS)?;
    if is_there() {
        return Ok(());
    }
    let folder = folder();
    note(&format!("installing {} into {}", pins(), folder.display()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).context("make a folder for Node's packages")?;
    for name in PINS {
        fs::copy(pin(name), folder.join(name)).with_context(|| format!("copy {name}"))?;
    }
    let mut install = Command::new("npm");
    install
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder);
    process::output(&mut install)
        .map(drop)
        .with_context(|| format!("install {}", pins()))
}

/// What [`ensure_node`] would do, in words.
pub(super) fn plan() -> Vec<String> {
    let programs = debian::plan(PROGRAMS.iter());
    let packages = (!is_there()).then(|| {
        let folder = folder();
        format!("install {} into {}", pins(), folder.display())
    });
    programs.into_iter().chain(packages).collect()
}

/// Whether what was installed last is what is pinned, and was installed whole: npm writes what it
/// did when all is done.
fn is_there() -> bool {
    let same = |name: &&str| {
        let wanted = fs::read(pin(name));
        wanted.is_ok_and(|it| fs::read(folder().join(name)).is_ok_and(|have| have == it))
    };
    let done = folder().join("node_modules/.package-lock.json");
    PINS.iter().all(same) && done.is_file()
}

fn pins() -> String {
    format!("tests/patterns/{}", PINS[1])
}

fn pin(name: &str) -> PathBuf {
    workspace::root().join("tests/patterns").join(name)
}

fn folder() -> PathBuf {
    workspace::target_dir().join("patterns-node")
}
