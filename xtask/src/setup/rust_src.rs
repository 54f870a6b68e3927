//! The source of Rust's core library, which the kernel programs are built from. rustup brings it;
//! where rustup can't fetch, Debian has a package of the same version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::apt::PrivateApt;
use crate::process::{self, note};
use crate::workspace;

/// Debian's suites that are asked for the pinned version, in this order.
const SUITES: [&str; 1] = ["trixie-backports"];

/// Makes sure that the toolchain in use has the source of the core library.
///
/// # Errors
/// If the toolchain is not the pinned one, or neither rustup nor Debian has the source.
pub(crate) fn ensure_rust_src() -> Result<()> {
    let sysroot = workspace::sysroot()?;
    if is_there(&sysroot) {
        return Ok(());
    }
    let by_rustup = match add_component(&sysroot) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    note(&format!(
        "rustup could not add rust-src ({})",
        first_line(&by_rustup)
    ));
    from_debian(&sysroot, &workspace::pinned_rust()?).context(
        "get rust-src, which building the kernel object needs\n\
         hint: `rustup component add rust-src` where rustup can fetch",
    )
}

/// What [`ensure_rust_src`] would do, in words.
pub(super) fn plan() -> Result<Option<String>> {
    let missing = !is_there(&workspace::sysroot()?);
    let step = "add rust-src: `rustup component add rust-src`, or Debian's package of that version";
    Ok(missing.then(|| step.to_owned()))
}

fn library(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust/library")
}

fn is_there(sysroot: &Path) -> bool {
    library(sysroot).join("core/src/lib.rs").is_file()
}

fn add_component(sysroot: &Path) -> Result<()> {
    if process::find("rustup").is_none() {
        bail!("there is no rustup");
    }
    note("rustup component add rust-src");
    let mut rustup = Command::new("rustup");
    rustup
        .args(["component", "add", "rust-src"])
        .current_dir(workspace::root());
    process::output(&mut rustup)?;
    if !is_there(sysroot) {
        bail!(
            "it ended well, but {} is not there",
            library(sysroot).display()
        );
    }
    Ok(())
}

/// Unpacks Debian's rust-src of exactly `version` and copies its library into `sysroot`.
fn from_debian(sysroot: &Path, version: &str) -> Result<()> {
    let state = workspace::target_dir().join("tools/apt");
    for suite in SUITES {
        note(&format!(
            "looking for rust-src {version} in Debian's {suite}"
        ));
        let apt = PrivateApt::open(&state, suite)?;
        let versions = apt.versions("rust-src")?;
        let Some(exact) = versions.iter().find(|offered| upstream(offered) == version) else {
            note(&format!(
                "Debian's {suite} has rust-src {}",
                versions.join(", ")
            ));
            continue;
        };
        note(&format!(
            "unpacking Debian's rust-src {exact} into {}",
            sysroot.display()
        ));
        let unpacked = workspace::target_dir().join("tools/rust-src");
        let _ = fs::remove_dir_all(&unpacked);
        apt.unpack(&format!("rust-src={exact}"), &unpacked)?;
        let library = unpacked.join(format!("usr/src/rustc-{version}/library"));
        copy_library(&library, sysroot)?;
        return fs::remove_dir_all(&unpacked).context("remove the unpacked rust-src");
    }
    bail!(
        "Debian's {} has no rust-src {version}",
        SUITES.join(" and ")
    )
}

/// Copies beside its place first, so that what is there afterwards is whole or not there.
fn copy_library(from: &Path, sysroot: &Path) -> Result<()> {
    let library = library(sysroot);
    let parent = library.parent().context("name the folder of the library")?;
    let unfinished = parent.join("library.unfinished");
    fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
    let _ = fs::remove_dir_all(&unfinished);
    process::output(Command::new("cp").arg("-a").arg(from).arg(&unfinished))?;
    fs::rename(&unfinished, &library).with_context(|| format!("create {}", library.display()))?;
    if !is_there(sysroot) {
        bail!(
            "unpack rust-src: {} has no core/src/lib.rs",
            library.display()
        );
    }
    Ok(())
}

/// The upstream part of a Debian version: `1.95.0` of `1.95.0+dfsg1-2~bpo13+1`.
fn upstream(version: &str) -> &str {
    version.split(['+', '-', '~']).next().unwrap_or(version)
}

fn first_line(error: &anyhow::Error) -> String {
    let text = error.to_string();
    let lines: Vec<_> = text.lines().collect();
    // The last line is rustup's own word; what stands before it is how it came to that.
    lines
        .iter()
        .rev()
        .find(|line| !line.trim().is_empty())
        .map_or(String::new(), |line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_upstream_version() {
        assert_eq!(upstream("1.95.0+dfsg1-2~bpo13+1"), "1.95.0");
        assert_eq!(upstream("1.97.1-1"), "1.97.1");
    }

    #[test]
    #[ignore = "downloads 100 MB from Debian's mirror"]
    fn debian_has_the_pinned_version() {
        let sysroot = workspace::target_dir().join("tools/test-sysroot");
        let _ = fs::remove_dir_all(&sysroot);
        from_debian(&sysroot, &workspace::pinned_rust().unwrap()).unwrap();
        assert!(is_there(&sysroot));
        fs::remove_dir_all(&sysroot).unwrap();
        let error = from_debian(&sysroot, "1.0.0").unwrap_err().to_string();
        assert!(error.contains("has no rust-src 1.0.0"), "{error}");
    }
}
