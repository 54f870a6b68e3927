//! docs/soak.md: the last outcome of each trial, with its date and machine.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::Outcome;
use crate::{process, workspace};

const HEAD: &str = "\
# Trials that take long

What `cargo xtask soak --write` found, the last time each trial was run. A short sample of each is part of
`cargo xtask test`.

| trial | times | result | when, where |
|---|--:|---|---|
";

/// Puts outcomes in place of earlier ones of the same trials.
pub(super) fn keep(outcomes: &[Outcome]) -> Result<()> {
    let path = workspace::root().join("docs/soak.md");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let mut rows = rows(&before);
    let place = place()?;
    for Outcome {
        what,
        times,
        result,
    } in outcomes
    {
        let row = format!("| {what} | {times} | {result} | {place} |");
        rows.insert(what.clone(), row);
    }
    let rows: Vec<&str> = rows.values().map(String::as_str).collect();
    fs::write(&path, format!("{HEAD}{}\n", rows.join("\n"))).context("write docs/soak.md")
}

/// The rows of a page by their trials.
fn rows(page: &str) -> BTreeMap<String, String> {
    let rows = page.lines().skip_while(|line| !line.starts_with("|---"));
    rows.skip(1)
        .filter_map(|row| {
            let trial = row.strip_prefix("| ")?.split(" | ").next()?;
            Some((trial.to_owned(), row.to_owned()))
        })
        .collect()
}

fn place() -> Result<String> {
    let date = process::output(Command::new("date").arg("+%Y-%m-%d"))?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(format!(
        "{}; Linux {}; {}, {count} CPUs",
        date.trim(),
        kernel.trim(),
        model.map_or("unknown processor", |(_, model)| model),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_trials() {
        let page = format!("{HEAD}| killed | 3 | well | here |\n| stopped | 4 | well | here |\n");
        let rows = rows(&page);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows["stopped"], "| stopped | 4 | well | here |");
    }
}
