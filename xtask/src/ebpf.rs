//! `cargo xtask ebpf`: builds the kernel programs into the object that probe embeds. The object is
//! committed, so the build must give the same bytes wherever it runs; `--check` proves it.

mod strip;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process::note;
use crate::{process, setup, workspace};

const TARGET: &str = "bpfel-unknown-none";

/// What `cargo xtask ebpf` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Compare what the source gives with the committed object, and write nothing
    #[arg(long)]
    check: bool,
}

/// Builds the object, and writes it or compares it.
///
/// # Errors
/// If it can't be built, or differs from what is committed.
pub(crate) fn command(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.check {
        check()?
    } else {
        write()?
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the object in a folder of its own and compares it byte for byte with the committed one.
///
/// # Errors
/// If it can't be built, or differs.
pub(crate) fn check() -> Result<()> {
    let committed = committed();
    let built = build()?;
    let known = fs::read(&committed).with_context(|| {
        format!(
            "read {}\nhint: `cargo xtask ebpf` makes it",
            committed.display()
        )
    })?;
    if let Some(place) = difference(&known, &built) {
        // Kept for whoever wants to know what differs; the target folder is never committed.
        let kept = bpf_target_dir().join("probe.bpf.o");
        fs::write(&kept, &built).with_context(|| format!("write {}", kept.display()))?;
        bail!(
            "compare {} with its source: it is not what the source gives ({place})\n\
             hint: run `cargo xtask ebpf` and commit the result; what was built now is {}",
            committed.display(),
            kept.display()
        );
    }
    note("the committed kernel object is what its source gives");
    Ok(())
}

fn write() -> Result<()> {
    let object = committed();
    let built = build()?;
    let folder = object.parent().context("name the folder of the object")?;
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let changed = fs::read(&object).ok().as_ref() != Some(&built);
    if changed {
        fs::write(&object, &built).with_context(|| format!("write {}", object.display()))?;
    }
    let how = if changed { "written" } else { "unchanged" };
    note(&format!("{} {how}", object.display()));
    Ok(())
}

/// The object in the repository, which probe-user embeds.
fn committed() -> PathBuf {
    workspace::root().join("probe-user/bpf/probe.bpf.o")
}

/// Where the object is built: not among the host's programs, whose flags are others.
fn bpf_target_dir() -> PathBuf {
    workspace::target_dir().join("bpf")
}

/// Builds the kernel programs and returns the stripped object.
fn build() -> Result<Vec<u8>> {
    setup::ensure_rust_src()?;
    let linker = setup::ensure_bpf_linker()?;
    let begun = Instant::now();
    let sysroot = workspace::sysroot()?;
    process::run(&mut cargo_build(&linker, &sysroot))?;
    let file = bpf_target_dir().join(TARGET).join("release/probe");
    let whole = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    let stripped =
        strip::without_dwarf(&whole).with_context(|| format!("strip {}", file.display()))?;
    if let Some(path) = leaked_path(&stripped, &sysroot) {
        bail!(
            "strip {}: it still names {path}, which others don't have",
            file.display()
        );
    }
    note(&format!(
        "kernel object: {} bytes ({} with DWARF), {:.1} s",
        stripped.len(),
        whole.len(),
        begun.elapsed().as_secs_f64()
    ));
    Ok(stripped)
}

fn cargo_build(linker: &Path, sysroot: &Path) -> Command {
    let mut cargo = workspace::cargo();
    cargo.args([
        "build",
        "--locked",
        "--release",
        "-p",
        "probe-ebpf",
        "--bin",
        "probe",
    ]);
    cargo
        .args(["--target", TARGET, "-Z", "build-std=core", "--target-dir"])
        .arg(bpf_target_dir());
    // What -Z needs on a stable toolchain. The language features stay those of stable Rust.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo.env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", linker);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", rustflags(sysroot));
    // Each of these would end up in the bytes, or in how they are made.
    for name in [
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_RUSTFLAGS",
    ] {
        cargo.env_remove(name);
    }
    cargo.env("CARGO_INCREMENTAL", "0");
    cargo
}

/// The instructions the programs may use: atomic operations that return a value came with v3, which
/// kernels have since 5.12. v4 would need 6.6.
const CPU: &str = "-Ctarget-cpu=v3";

/// Zeroing and copying a struct is a few stores in place. bpf-linker by itself has LLVM make a call
/// of each zeroing, of a function that goes octet by octet: most of what a packet that matches
/// nothing cost, and many more steps for the verifier.
const ZERO_IN_PLACE: &str = "-Clink-arg=--disable-expand-memcpy-in-order";

/// The compiler's flags, with cargo's separator. BTF is made of debug information, so that is
/// asked for whole; the paths in it are replaced by names that are the same everywhere.
fn rustflags(sysroot: &Path) -> OsString {
    let mut flags: Vec<OsString> = [CPU, "-Cdebuginfo=2", "-Clink-arg=--btf", ZERO_IN_PLACE]
        .map(OsString::from)
        .into();
    for (path, name) in remapped(sysroot) {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(path);
        flag.push("=");
        flag.push(name);
        flags.push(flag);
    }
    flags.join("\u{1f}".as_ref())
}

/// Folders of this machine and what they are called in the object. Where several fit, rustc takes
/// the last, so the deepest is last: any of them may be inside any other.
///
/// The names are ones that no machine can have. LLVM copies source lines into BTF from files it
/// finds by these names: a clone in `/probe` would give other bytes if that were the name.
fn remapped(sysroot: &Path) -> Vec<(PathBuf, &'static str)> {
    let mut folders = vec![
        (cargo_home(), "/dev/null/cargo"),
        (workspace::root(), "/dev/null/probe"),
        (bpf_target_dir(), "/dev/null/target"),
        (sysroot.join("lib/rustlib/src/rust"), "/dev/null/rust"),
    ];
    // The folder below is named after the registry's address, and where that is replaced by a
    // mirror's, after that. It exists: this program's own crates come from there.
    let registries = fs::read_dir(cargo_home().join("registry/src"))
        .into_iter()
        .flatten();
    folders.extend(
        registries
            .flatten()
            .map(|entry| (entry.path(), "/dev/null/crates")),
    );
    folders.sort_by_key(|(path, _)| path.components().count());
    folders
}

fn cargo_home() -> PathBuf {
    let home = || std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
    std::env::var_os("CARGO_HOME").map_or_else(|| home().join(".cargo"), PathBuf::from)
}

/// A folder of this machine that `object` names, if there is one.
fn leaked_path(object: &[u8], sysroot: &Path) -> Option<String> {
    let folders = [
        workspace::root(),
        bpf_target_dir(),
        cargo_home(),
        sysroot.to_path_buf(),
    ];
    let names = |folder: &PathBuf| {
        let path = folder.as_os_str().as_encoded_bytes();
        object.windows(path.len()).any(|window| window == path)
    };
    folders
        .into_iter()
        .find(names)
        .map(|folder| folder.display().to_string())
}

/// Where two objects first differ, in words.
fn difference(known: &[u8], built: &[u8]) -> Option<String> {
    if known == built {
        return None;
    }
    let at = known.iter().zip(built).position(|(a, b)| a != b);
    let at = at.unwrap_or(known.len().min(built.len()));
    Some(format!(
        "{} bytes against {}, first at byte {at}",
        known.len(),
        built.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_where_objects_differ() {
        assert_eq!(difference(b"same", b"same"), None);
        assert_eq!(
            difference(b"abcd", b"abXde").as_deref(),
            Some("4 bytes against 5, first at byte 2")
        );
        assert_eq!(
            difference(b"abc", b"abcde").as_deref(),
            Some("3 bytes against 5, first at byte 3")
        );
    }

    #[test]
    fn finds_a_path_of_this_machine() {
        let text = format!("\0{}/src/main.rs\0", workspace::root().display());
        let sysroot = Path::new("/some/sysroot");
        assert!(leaked_path(text.as_bytes(), sysroot).is_some());
        assert!(leaked_path(b"/some/sysroot/lib", sysroot).is_some());
        assert_eq!(
            leaked_path(b"\0/probe/probe-ebpf/src/main.rs\0", sysroot),
            None
        );
    }
}
