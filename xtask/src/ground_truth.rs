//! `cargo xtask ground-truth`: gets the clients whose behaviour is known, and starts the program of the
//! tests crate that holds probe against them.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{process, workspace};

/// What the clients are, with their versions.
const REQUIREMENTS: &str = "tests/patterns/requirements.txt";

/// What `cargo xtask ground-truth` takes.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Handed to the program as they are: --only WORDS, --times N, --record, --write
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
    get_clients()?;
    let folder = workspace::target_dir().join("release");
    process::run(
        Command::new(folder.join("ground-truth"))
            .args(&arguments.arguments)
            .env("PROBE_BIN", folder.join("probe")),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Makes a Python environment with the clients, unless it is there with these very versions.
fn get_clients() -> Result<()> {
    let folder = workspace::target_dir().join("patterns-python");
    let wanted = std::fs::read(workspace::root().join(REQUIREMENTS))?;
    let stamp = folder.join("requirements.txt");
    if std::fs::read(&stamp).is_ok_and(|it| it == wanted) {
        return Ok(());
    }
    process::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    process::run(
        Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "-r"])
            .arg(workspace::root().join(REQUIREMENTS)),
    )?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}
