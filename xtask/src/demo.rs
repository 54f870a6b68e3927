//! `cargo xtask demo`: builds probe and the lab, and becomes `probe demo`. What the demo does is
//! probe's own business.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::{process, workspace};

/// What `cargo xtask demo` takes: everything, and hands it on.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Handed to `probe demo` as they are, for instance --headless or --without timeout
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds in release, for the figures the demo shows are figures of time, then replaces this
/// process: Ctrl-C, the exit code and the terminal are then probe's without anything in between.
///
/// # Errors
/// If the build fails or probe can't be started.
pub(crate) fn command(arguments: &Arguments) -> Result<ExitCode> {
    let packages = [
        "--release",
        "--locked",
        "--bins",
        "-p",
        "probe-user",
        "-p",
        "lab",
    ];
    process::run(workspace::cargo().arg("build").args(packages))?;
    let folder = workspace::target_dir().join("release");
    let mut probe = Command::new(folder.join("probe"));
    probe
        .arg("demo")
        .args(&arguments.arguments)
        .env("LAB_BIN", folder.join("lab"));
    let error = probe.exec();
    Err(error).with_context(|| format!("start {}", process::describe(&probe)))
}
