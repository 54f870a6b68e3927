//! Where things are: the repository's root, the target folder, the pinned toolchain, built programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// The root of the repository, from where cargo says this crate is at run time, so that clones
/// sharing one target folder don't mistake each other's files for their own.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or(manifest.clone(), Path::to_path_buf)
}

/// The target folder of ordinary builds: `CARGO_TARGET_DIR`, or `target` in the root.
pub(crate) fn target_dir() -> PathBuf {
    let root = root();
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root.join(dir),
        None => root.join("target"),
    }
}

/// A cargo command that runs in the root, with the cargo that started this program.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    // Set by `cargo run` for this program; crates under test must not mistake them for their own.
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_PKG_NAME",
    ] {
        command.env_remove(name);
    }
    command
}

/// Builds every program that runs on this machine and returns the folder they are in.
///
/// With the tests, although nothing runs them here: it is only together that cargo chooses the same
/// features for shared crates as `cargo test` does, and compiles them once.
pub(crate) fn build_programs() -> Result<PathBuf> {
    process::run(
        cargo()
            .args(["build", "--locked", "--bins", "--tests"])
            .args(HOST_CRATES),
    )?;
    Ok(target_dir().join("debug"))
}

/// Whether `package` has a program called `name`, in the place cargo looks or by its manifest.
pub(crate) fn has_program(package: &str, name: &str) -> bool {
    let folder = root().join(package);
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    folder.join(format!("src/bin/{name}.rs")).is_file()
        || folder.join(format!("src/bin/{name}/main.rs")).is_file()
        || manifest.contains(&format!("name = \"{name}\""))
}

/// Cargo's words for every crate whose tests and programs are built in one go. This one is not
/// among them: it needs more of a crate that aya shares, and aya would be compiled twice.
pub(crate) const HOST_CRATES: [&str; 5] = [
    "--workspace",
    "--exclude",
    "probe-ebpf",
    "--exclude",
    "xtask",
];

/// The Rust version that rust-toolchain.toml pins.
pub(crate) fn pinned_rust() -> Result<String> {
    let file = root().join("rust-toolchain.toml");
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    channel(&text).with_context(|| format!("find the channel in {}", file.display()))
}

/// The sysroot of the Rust in use, which must be the pinned one.
pub(crate) fn sysroot() -> Result<PathBuf> {
    let (pinned, used) = (pinned_rust()?, used_rust()?);
    if pinned != used {
        bail!(
            "check the toolchain: rustc is {used}, and rust-toolchain.toml pins {pinned}\n\
             hint: run cargo through rustup, without RUSTUP_TOOLCHAIN or +toolchain"
        );
    }
    let path = process::output(rustc().args(["--print", "sysroot"]))?;
    Ok(PathBuf::from(path.trim()))
}

fn used_rust() -> Result<String> {
    let text = process::output(rustc().arg("--version"))?;
    let version = text.split_whitespace().nth(1);
    Ok(version.context("read rustc's version")?.to_owned())
}

fn rustc() -> Command {
    let mut command = Command::new("rustc");
    command.current_dir(root());
    command
}

fn channel(toolchain: &str) -> Option<String> {
    let line = toolchain
        .lines()
        .find(|line| line.trim_start().starts_with("channel"))?;
    Some(line.split('"').nth(1)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_channel() {
        let text = "# channel\n[toolchain]\nchannel = \"1.95.0\"\n";
        assert_eq!(channel(text).as_deref(), Some("1.95.0"));
        assert_eq!(channel("[toolchain]\n"), None);
    }

    #[test]
    fn finds_this_repository() {
        assert!(root().join("xtask/src/workspace.rs").is_file());
        assert!(pinned_rust().is_ok());
    }
}
