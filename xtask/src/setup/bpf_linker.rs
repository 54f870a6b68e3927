//! bpf-linker, which makes one BPF object of LLVM bitcode. A right one in PATH is used; otherwise
//! it is built into the target folder, so that a version somebody chose for other work stays.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{self, note};
use crate::workspace;

/// The last version that uses the LLVM of rustc 1.95 itself and needs no other.
const VERSION: &str = "0.10.4";

/// Makes sure that there is a bpf-linker of the right version, and says where.
///
/// # Errors
/// If it can't be built.
pub(crate) fn ensure_bpf_linker() -> Result<PathBuf> {
    if let Some(found) = right_one() {
        return Ok(found);
    }
    let root = root();
    install(&root)?;
    let linker = root.join("bin/bpf-linker");
    if !is_right(&linker) {
        bail!(
            "install bpf-linker: {} does not say it is {VERSION}",
            linker.display()
        );
    }
    Ok(linker)
}

/// What [`ensure_bpf_linker`] would do, in words.
pub(super) fn plan() -> Option<String> {
    let step = || {
        format!(
            "build bpf-linker {VERSION} into {} (a minute)",
            root().display()
        )
    };
    right_one().is_none().then(step)
}

fn root() -> PathBuf {
    workspace::target_dir().join("tools")
}

fn right_one() -> Option<PathBuf> {
    let own = root().join("bin/bpf-linker");
    let found = process::find("bpf-linker");
    found
        .into_iter()
        .chain([own])
        .find(|linker| is_right(linker))
}

fn is_right(linker: &Path) -> bool {
    let said = process::output(Command::new(linker).arg("--version")).unwrap_or_default();
    said.split_whitespace().nth(1) == Some(VERSION)
}

fn install(root: &Path) -> Result<()> {
    note(&format!(
        "building bpf-linker {VERSION} into {} (a minute)",
        root.display()
    ));
    let mut cargo = workspace::cargo();
    cargo
        .args([
            "install",
            "bpf-linker",
            "--version",
            VERSION,
            "--locked",
            "--root",
        ])
        .arg(root);
    // Shown as cargo shows it: a minute of silence looks like a hang.
    cargo.arg("--target-dir").arg(root.join("build"));
    process::run(&mut cargo)
        .context("install bpf-linker, which building the kernel object needs")?;
    std::fs::remove_dir_all(root.join("build")).context("remove bpf-linker's build folder")
}
