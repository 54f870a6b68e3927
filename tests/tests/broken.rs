//! Scenarios that are broken, one mistake each: told in one line that names the file's line, with
//! exit code 2 and with nothing armed. Each file's first line says what is to be said of it.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use tests::{Ended, Probe, programs};

/// That many at the least.
const MANY: usize = 50;

#[test]
#[ignore = "needs root"]
fn each_broken_scenario_is_told_in_one_line() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/broken");
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let said = text.lines().next().and_then(|it| it.strip_prefix("# "));
        let said = said.with_context(|| format!("{} says nothing", path.display()))?;
        for command in ["check", "run"] {
            let held = hold(command, &path, said);
            wrong.extend(
                held.err()
                    .map(|it| format!("{command} {}: {it:#}", path.display())),
            );
        }
        count += 1;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(count >= MANY, "only {count}");
    Ok(())
}

fn hold(command: &str, path: &Path, said: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let audit = folder.path().join("audit.jsonl");
    let mut probe = Command::new(programs::probe()?);
    probe.arg(command).arg(path);
    if command == "run" {
        probe.arg("--headless");
    }
    probe.env("PROBE_AUDIT", &audit);
    let ended: Ended = Probe::spawn(probe)?.finish()?;
    ensure!(ended.code() == 2, "{ended:?}");
    ensure!(ended.stdout.is_empty(), "{ended:?}");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let expected = format!("error: {}:{said}", path.display());
    ensure!(
        lines.first() == Some(&&*expected),
        "not {expected:?}: {lines:?}"
    );
    let hints = lines[1..].iter().all(|line| line.starts_with("hint: "));
    ensure!(lines.len() <= 2 && hints, "{lines:?}");
    // Whoever arms something writes it down first.
    ensure!(!audit.exists(), "something was armed");
    Ok(())
}
