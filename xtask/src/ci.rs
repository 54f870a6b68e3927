//! `cargo xtask ci`: what an automatic check of a change runs, `test` with no stage left out.

use std::process::ExitCode;

use anyhow::Result;

use crate::test;

/// Runs every stage; one that can't run counts as failed.
///
/// # Errors
/// As [`test::command`].
pub(crate) fn command() -> Result<ExitCode> {
    test::run(&test::Arguments::default(), test::Strictness::SkipsFail)
}
