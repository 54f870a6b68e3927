//! The programs under test: where they are, and other programs that the fixtures run.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// Finds probe: named by `PROBE_BIN`, or built in this workspace.
///
/// # Errors
/// Where there is none, with what to do about it.
pub fn probe() -> Result<PathBuf> {
    find("PROBE_BIN", "probe")
}

/// Finds lab: named by `LAB_BIN`, or built in this workspace.
///
/// # Errors
/// Where there is none, with what to do about it.
pub fn lab() -> Result<PathBuf> {
    find("LAB_BIN", "lab")
}

/// Finds a program of this crate's own, built along with the one that asks.
///
/// # Errors
/// Where there is none, with what to do about it.
pub fn built_beside(name: &str) -> Result<PathBuf> {
    let path = profile_folder().unwrap_or_default().join(name);
    if !path.is_file() {
        bail!(
            "there is no {}\nhint: `cargo build -p tests --bins` builds it",
            path.display()
        );
    }
    Ok(path)
}

/// Runs a program to its end and returns what it wrote on standard output.
///
/// # Errors
/// Where it can't be run, or fails: with what it wrote on standard error.
pub fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let words = || format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(words)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}: {}", words(), output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn find(variable: &str, name: &str) -> Result<PathBuf> {
    if let Some(path) = env::var_os(variable) {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("{variable} names {}, which is no file", path.display());
        }
        return Ok(path);
    }
    let target = target_folder();
    ["release", "debug"]
        .iter()
        .map(|profile| target.join(profile).join(name))
        .find(|path| path.is_file())
        .with_context(|| {
            format!(
                "no {name} in {}\nhint: run `cargo xtask test`, or \
                 `cargo build --release -p probe-user -p lab`, or name one in {variable}",
                target.display()
            )
        })
}

/// The folder that holds `debug` and `release`: this very program is in one of them.
pub(crate) fn target_folder() -> PathBuf {
    let profile = profile_folder();
    let target = profile.as_deref().and_then(Path::parent);
    target.map_or_else(|| "target".into(), Path::to_owned)
}

/// `debug` or `release`, whichever this very program is in.
fn profile_folder() -> Option<PathBuf> {
    let own = env::current_exe().ok()?;
    let is_profile = |it: &&Path| it.ends_with("release") || it.ends_with("debug");
    own.ancestors().find(is_profile).map(Path::to_owned)
}
