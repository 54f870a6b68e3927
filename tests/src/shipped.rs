//! The scenarios that ship. The head of each file says with which lab it passes, with which it
//! fails, and what is broken then: they are run as they are, in a lab of a name of its own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{Ended, Probe, lab::Lab, programs, turn::Turn};

/// What one run may take: some 10 s, and as much again on a busy machine before the steady state
/// is there and until it is back.
pub const LIMIT: Duration = Duration::from_secs(75);

/// The exit code of a run that can't be judged.
const INCONCLUSIVE: i32 = 5;

/// What a run decides by.
const SEED: u64 = 1;

/// A scenario that ships.
#[derive(Clone, Debug)]
pub struct Shipped {
    /// Its file's name, without the ending.
    pub name: String,
    /// Arguments of `lab up` with which it passes.
    pub passes: String,
    /// The same, with which it fails.
    pub fails: String,
    /// The expectation that is not met then, and on what.
    pub breaks: (String, String),
    text: String,
}

/// Whether the pattern is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shop {
    /// It is.
    Whole,
    /// It isn't.
    Lacking,
}

/// The folder that they are in.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// All that say how they are run, by name.
///
/// # Errors
/// Where one can't be read, or says only half of it.
pub fn all() -> Result<Vec<Shipped>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder()).context("reading scenarios")? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default();
        names.push(stem.to_string_lossy().into_owned());
    }
    names.sort();
    let read = |name: &String| Shipped::read(name).transpose();
    names.iter().filter_map(read).collect()
}

impl Shipped {
    /// Reads one; `None` where its head doesn't say how it is run.
    ///
    /// # Errors
    /// Where it can't be read, or says only half of it.
    pub fn read(name: &str) -> Result<Option<Self>> {
        let path = folder().join(format!("{name}.toml"));
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let line = |key: &str| {
            let mut lines = text.lines().take_while(|line| line.starts_with('#'));
            lines.find_map(|line| line.strip_prefix(&format!("# {key}:")))
        };
        let Some(passes) = line("passes") else {
            return Ok(None);
        };
        let arguments = |line: &str| line.trim().strip_prefix("lab up").map(str::to_owned);
        let broken = line("breaks").and_then(|it| it.trim().split_once(" on "));
        let (what, on) = broken.with_context(|| format!("{name} doesn't say what breaks"))?;
        Ok(Some(Self {
            passes: arguments(passes).context("\"passes\" names no `lab up`")?,
            fails: line("fails")
                .and_then(arguments)
                .context("\"fails\" names no `lab up`")?,
            breaks: (what.to_owned(), on.to_owned()),
            name: name.to_owned(),
            text,
        }))
    }

    /// Runs it once, and holds its verdict against what its head says.
    ///
    /// # Errors
    /// Where the verdict is another: with all that was said.
    pub fn play(&self, shop: Shop) -> Result<()> {
        let _turn = Turn::together()?;
        let arguments = match shop {
            Shop::Whole => &self.passes,
            Shop::Lacking => &self.fails,
        };
        let lab = Lab::up(arguments)?;
        let mut ended = self.run(&lab)?;
        // A busy machine may leave too little evidence; a wrong verdict it doesn't excuse.
        let is_open = shop == Shop::Lacking && self.is_open(&ended);
        if is_open || ended.code() == INCONCLUSIVE {
            ended = self.run(&lab)?;
        }
        self.hold(shop, &ended)
            .with_context(|| format!("{}, lab up{arguments}: {}", self.name, ended.stderr))
    }

    /// Writes it into a folder, as it is for a lab of another name.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write_for(&self, lab: &Lab, folder: &Path) -> Result<PathBuf> {
        let file = folder.join(format!("{}.toml", self.name));
        let text = self.text.replace("\"lab-", &format!("\"{}-", lab.name()));
        let text = text.replace(
            "\"--name\", \"lab\"",
            &format!("\"--name\", \"{}\"", lab.name()),
        );
        fs::write(&file, text)?;
        Ok(file)
    }

    fn run(&self, lab: &Lab) -> Result<Ended> {
        let folder = tempfile::tempdir()?;
        let file = self.write_for(lab, folder.path())?;
        let mut command = Command::new(programs::probe()?);
        command.arg("run").arg(&file);
        command.args(["--headless", "-o", "json", "--seed", &SEED.to_string()]);
        // Commands of scenarios start the lab's program by its name.
        let program = programs::lab()?;
        let beside = program.parent().unwrap_or(Path::new("."));
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [beside.to_owned()]
            .into_iter()
            .chain(env::split_paths(&path));
        command.env("PATH", env::join_paths(folders)?);
        Probe::spawn(command)?.finish_within(LIMIT)
    }

    /// Whether nothing could be said of what is to break.
    fn is_open(&self, ended: &Ended) -> bool {
        let (name, on) = &self.breaks;
        let verdict = ended.json().unwrap_or_default();
        let mut expectations = verdict["expectations"].as_array().into_iter().flatten();
        expectations.any(|it| it["name"] == **name && it["on"] == **on && it["status"] == "unknown")
    }

    fn hold(&self, shop: Shop, ended: &Ended) -> Result<()> {
        let verdict = ended.json()?;
        let broken = broken(&verdict);
        if shop == Shop::Whole {
            ensure!(
                ended.code() == 0,
                "exit {}, broken: {broken:?}",
                ended.code()
            );
            return Ok(());
        }
        ensure!(
            ended.code() == 1,
            "exit {}, broken: {broken:?}",
            ended.code()
        );
        ensure!(broken.contains(&self.breaks), "only {broken:?} broke");
        Ok(())
    }
}

/// Expectations that weren't met, and on what.
fn broken(verdict: &Value) -> Vec<(String, String)> {
    let expectations = verdict["expectations"].as_array().into_iter().flatten();
    let not_met = expectations.filter(|it| it["status"] == "not_met");
    let word = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    not_met
        .map(|it| (word(it, "name"), word(it, "on")))
        .collect()
}
