//! `cargo xtask ground-truth`: gets the clients whose behaviour is known, and starts the program of the
//! tests crate that holds probe against them.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{process, setup, workspace};

/// What `cargo xtask ground-truth` takes.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Handed to the program as they are: --only WORDS, --times N, --seed N, --record, --write
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds probe in release, gets the clients, and runs the cases.
///
/// # Errors
/// If something can't be built or got, or the program fails.
pub(crate) fn command(arguments: &Arguments) -> Result<ExitCode> {
    let build = [
        "build",
        "--release",
        "--locked",
        "--bins",
        "-p",
        "probe-user",
        "-p",
        "tests",
    ];
    process::run(workspace::cargo().args(build))?;
    setup::ensure_test_tools()?;
    let folder = workspace::target_dir().join("release");
    process::run(
        Command::new(folder.join("ground-truth"))
            .args(&arguments.arguments)
            .env("PROBE_BIN", folder.join("probe")),
    )?;
    Ok(ExitCode::SUCCESS)
}
