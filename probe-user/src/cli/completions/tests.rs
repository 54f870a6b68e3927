//! What each shell is told.

use clap::{CommandFactory, ValueEnum};

use super::*;
use crate::cli::Cli;

#[test]
fn every_shell_is_told_of_every_command_that_shows() {
    for shell in Shell::value_variants() {
        let script = script(*shell, &mut Cli::command()).unwrap();
        for command in ["observe", "inject", "run", "stop", "schema"] {
            assert!(script.contains(command), "{shell}: no {command}");
        }
    }
}
