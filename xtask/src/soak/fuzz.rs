//! The fuzz targets in `fuzz/`, by cargo-fuzz.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Outcome;
use crate::{process, setup, workspace};

/// Executions of each target in the everyday tests.
const SAMPLE: u64 = 250_000;
/// No input needs to be longer: parsers are given beginnings.
const LONGEST: u32 = 512;

/// Runs every target; tells what came of each as soon as it is known.
pub(super) fn all(executions: u64, mut tell: impl FnMut(Outcome) -> Result<()>) -> Result<()> {
    let cargo_fuzz = setup::ensure_cargo_fuzz()?;
    for target in targets()? {
        tell(run(&cargo_fuzz, &target, executions)?)?;
    }
    Ok(())
}

/// Runs every target for a short while; tells how many there are.
///
/// # Errors
/// If one finds something.
pub(crate) fn sample() -> Result<u32> {
    let mut count = 0;
    all(SAMPLE, |_| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

/// Names of the targets: each is a file.
fn targets() -> Result<Vec<String>> {
    let folder = workspace::root().join("fuzz/targets");
    let mut names = Vec::new();
    for file in std::fs::read_dir(&folder).context("look for fuzz targets")? {
        let path = file?.path();
        if let Some(name) = path.file_stem() {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn run(cargo_fuzz: &PathBuf, target: &str, executions: u64) -> Result<Outcome> {
    let built = workspace::target_dir().join("fuzz");
    let corpus = built.join("corpus").join(target);
    std::fs::create_dir_all(&corpus).context("make a folder for the fuzzer's corpus")?;
    let mut command = Command::new(cargo_fuzz);
    command
        .current_dir(workspace::root())
        // Instrumenting is a flag of the compiler's unstable side.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["run", "--fuzz-dir", "fuzz", "--target-dir"])
        .arg(&built)
        .arg(target)
        .arg(&corpus)
        .args(["--", "-verbosity=0", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}/", built.display()))
        .args([format!("-runs={executions}"), format!("-max_len={LONGEST}")]);
    process::run(&mut command).with_context(|| format!("fuzz {target}"))?;
    if executions == 0 {
        bail!("fuzz {target}: nothing was executed");
    }
    Ok(Outcome {
        what: format!("fuzz target {target}"),
        times: executions,
        result: "no finding".to_owned(),
    })
}
