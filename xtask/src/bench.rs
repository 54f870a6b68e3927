//! `cargo xtask bench`: starts the measuring program of the tests crate. It measures nothing itself.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{process, setup, workspace};

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Handed to the measuring program as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds everything in release and runs the `bench` program with the paths of the other two.
///
/// # Errors
/// If there is no such program yet, or it fails.
pub(crate) fn command(arguments: &Arguments) -> Result<ExitCode> {
    if !workspace::has_program("tests", "bench") {
        bail!(
            "run the benchmarks: the tests crate has no program `bench` (tests/src/bin/bench.rs)"
        );
    }
    setup::ensure_test_tools()?;
    let build = [
        "build",
        "--release",
        "--locked",
        "--bins",
        "-p",
        "probe-user",
        "-p",
        "lab",
        "-p",
        "tests",
    ];
    process::run(workspace::cargo().args(build))?;
    let folder = workspace::target_dir().join("release");
    process::run(
        std::process::Command::new(folder.join("bench"))
            .args(&arguments.arguments)
            .env("PROBE_BIN", folder.join("probe"))
            .env("LAB_BIN", folder.join("lab")),
    )?;
    Ok(ExitCode::SUCCESS)
}
