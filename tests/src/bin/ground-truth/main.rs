//! What is said of clients whose behaviour is known: each labelled case is run with a real client, a
//! real server and a real fault, in namespaces of its own, and what probe says is held against what
//! is true. Shares no code with the detectors.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
};

use anyhow::{Context, Result};
use clap::Parser;
use tests::{
    ground_truth::{
        case::{self, Case},
        score::Board,
        trial,
    },
    turn::Turn,
};

/// Runs labelled cases and tells how right probe is.
#[derive(Parser)]
struct Arguments {
    /// Only cases with these words in their name; may be given several times
    #[arg(long)]
    only: Vec<String>,
    /// How often each is run, each time with another seed
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// What clients, server and fault draw from the first time; one more each time after
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many are run at once
    #[arg(long, default_value_t = 3)]
    at_once: usize,
    /// Keep what was recorded, for `cargo test` to replay
    #[arg(long)]
    record: bool,
    /// Write the table to docs/patterns.md
    #[arg(long)]
    write: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cases: Vec<Case> = case::all()?
        .into_iter()
        .filter(|it| {
            let only = &arguments.only;
            only.is_empty() || only.iter().any(|words| it.name.contains(words))
        })
        .collect();
    if arguments.record {
        fs::create_dir_all(root.join("tests/recordings")).context("making tests/recordings")?;
    }
    let _turn = Turn::together()?;
    let board = run(&cases, &arguments, &root)?;
    for wrong in &board.wrong {
        println!("{wrong}");
    }
    let table = board.table();
    println!("{table}");
    println!("{}", board.by_seed());
    if arguments.write {
        write(&root.join("docs/patterns.md"), &table)?;
    }
    Ok(())
}

fn run(cases: &[Case], arguments: &Arguments, root: &Path) -> Result<Board> {
    let times = arguments.times as usize;
    let waiting: Mutex<Vec<(usize, &Case)>> = Mutex::new(
        (0..times)
            .rev()
            .flat_map(|time| cases.iter().rev().map(move |case| (time, case)))
            .collect(),
    );
    let board = Mutex::new(Board::default());
    let work = || {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((time, case)) = next else { return };
            let recording = recording(root, case).filter(|_| arguments.record && time == 0);
            let seed = arguments.seed + time as u64;
            let said = trial::run(case, seed, recording.as_deref());
            let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
            match said {
                Ok(said) => board.count(case, seed, &said),
                Err(error) => board.failed(case, seed, &error),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..arguments.at_once {
            scope.spawn(work);
        }
    });
    Ok(board.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn recording(root: &Path, case: &Case) -> Option<PathBuf> {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = case.name.chars().map(letter).collect();
    Some(root.join(format!("tests/recordings/{name}.jsonl")))
}

/// Replaces what stands between the marks.
fn write(file: &Path, table: &str) -> Result<()> {
    const MARKS: [&str; 2] = ["<!-- ground truth -->\n", "<!-- until here -->\n"];
    let text = fs::read_to_string(file).context("reading docs/patterns.md")?;
    let (before, rest) = text.split_once(MARKS[0]).context("no mark in it")?;
    let (_, after) = rest.split_once(MARKS[1]).context("no second mark in it")?;
    let text = format!("{before}{}\n{table}\n{}{after}", MARKS[0], MARKS[1]);
    fs::write(file, text).context("writing docs/patterns.md")
}
