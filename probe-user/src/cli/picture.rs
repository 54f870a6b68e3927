//! `probe picture`: the dashboard as an SVG, for the README.

use std::process::ExitCode;

use anyhow::{Result, bail};

use super::Common;

/// Draw the dashboard as an SVG
#[derive(Debug, clap::Args)]
pub struct PictureArgs {}

/// Runs the command.
///
/// # Errors
/// Where stdout can't be written.
pub fn run(_args: PictureArgs, _common: &Common) -> Result<ExitCode> {
    bail!("picture: not supported yet")
}
