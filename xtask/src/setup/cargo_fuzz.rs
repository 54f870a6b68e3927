//! cargo-fuzz, which builds and runs the fuzz targets. One in PATH is used; otherwise it is built
//! into the target folder.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process::{self, note};
use crate::workspace;

const VERSION: &str = "0.13.2";

/// Makes sure that there is a cargo-fuzz, and says where.
///
/// # Errors
/// If it can't be built.
pub(crate) fn ensure_cargo_fuzz() -> Result<PathBuf> {
    if let Some(found) = there() {
        return Ok(found);
    }
    let root = root();
    note(&format!(
        "building cargo-fuzz {VERSION} into {} (a minute)",
        root.display()
    ));
    let mut cargo = workspace::cargo();
    cargo
        .args(["install", "cargo-fuzz", "--version", VERSION, "--locked"])
        .arg("--root")
        .arg(&root)
        .arg("--target-dir")
        .arg(root.join("build-fuzz"));
    process::run(&mut cargo).context("install cargo-fuzz, which runs the fuzz targets")?;
    std::fs::remove_dir_all(root.join("build-fuzz")).context("remove cargo-fuzz's build folder")?;
    Ok(root.join("bin/cargo-fuzz"))
}

/// What [`ensure_cargo_fuzz`] would do, in words.
pub(super) fn plan() -> Option<String> {
    let step = || {
        format!(
            "build cargo-fuzz {VERSION} into {} (a minute)",
            root().display()
        )
    };
    there().is_none().then(step)
}

fn root() -> PathBuf {
    workspace::target_dir().join("tools")
}

fn there() -> Option<PathBuf> {
    let own = root().join("bin/cargo-fuzz");
    process::find("cargo-fuzz").or_else(|| own.is_file().then_some(own))
}
