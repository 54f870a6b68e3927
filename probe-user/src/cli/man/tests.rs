//! Pages, and words that are no command.

use clap::CommandFactory;

use super::*;
use crate::cli::Cli;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn each_command_has_a_page_of_its_own() {
    let whole = page(Cli::command(), &[]).unwrap();
    assert!(whole.contains(".TH probe 1"), "{whole}");
    assert!(whole.contains("inconclusive"), "no exit codes: {whole}");
    let inject = page(Cli::command(), &words("inject")).unwrap();
    assert!(inject.contains(".TH probe-inject 1"), "{inject}");
    assert!(inject.contains("jitter"), "{inject}");
}

#[test]
fn what_is_no_command_is_told_with_those_there_are() {
    let mistake = page(Cli::command(), &words("injekt")).unwrap_err();
    let told = format!("{mistake:?}{mistake}");
    assert!(told.contains("\"injekt\""), "{told}");
    assert!(told.contains("inject, "), "{told}");
    assert!(!told.contains("guardian"), "{told}");
}
