//! Chaos Toolkit drives probe by its process provider, with the experiment that the documentation
//! shows; and the same experiment becomes a scenario.

use std::{env, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{Probe, lab::Lab, programs, tool::Tool, turn::Turn};

const DOCUMENTED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/chaostoolkit/payments-slow.json"
);

/// The documented experiment, aimed at a lab.
fn experiment(lab: &Lab) -> Result<String> {
    let text = fs::read_to_string(DOCUMENTED).context("reading the experiment")?;
    ensure!(text.contains("\"lab-shop\""), "it names no namespace");
    Ok(text.replace("\"lab-shop\"", &format!("{:?}", lab.netns("shop"))))
}

/// Runs it as a customer would see the shop; its journal.
fn run(lab: &Lab, file: &Path) -> Result<Value> {
    let folder = file.parent().context("a folder")?;
    let programs = programs::probe()?;
    let mut path = programs
        .parent()
        .context("a folder")?
        .as_os_str()
        .to_owned();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let chaos = Tool::chaos()?;
    let ended = Command::new("ip")
        .args(["netns", "exec", &lab.netns("customers")])
        .arg(chaos.get_program())
        .args(chaos.get_args())
        .args(["--no-version-check", "--log-file", "chaos.log", "run"])
        .args(["--journal-path", "journal.json"])
        .arg(file)
        .env("PATH", path)
        .current_dir(folder)
        .output()
        .context("starting Chaos Toolkit")?;
    let journal = fs::read_to_string(folder.join("journal.json"))
        .with_context(|| format!("no journal: {ended:?}"))?;
    serde_json::from_str(&journal).context("reading the journal")
}

#[test]
#[ignore = "needs root"]
fn the_documented_experiment_runs() -> Result<()> {
    let _turn = Turn::together()?;
    let lab = Lab::up("--seed 3")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("experiment.json");
    fs::write(&file, experiment(&lab)?)?;
    let journal = run(&lab, &file)?;
    ensure!(journal["status"] == "completed", "{journal:#}");
    ensure!(journal["deviated"] == false, "{journal:#}");
    let action = &journal["run"][0];
    ensure!(action["status"] == "succeeded", "{action:#}");
    let said = action["output"]["stdout"].as_str().context("no stdout")?;
    let said: Value = serde_json::from_str(said).context("what probe said")?;
    ensure!(said["verdict"] == "effective", "{said:#}");
    ensure!(said["counters"]["delayed"].as_u64() > Some(0), "{said:#}");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn an_experiment_becomes_a_scenario_that_check_accepts() -> Result<()> {
    let _turn = Turn::together()?;
    let lab = Lab::up("--seed 4")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("experiment.json");
    fs::write(&file, experiment(&lab)?)?;
    let imported = Probe::start(&format!("import chaostoolkit {}", file.display()))?.finish()?;
    ensure!(imported.code() == 0, "{imported:?}");
    let scenario = folder.path().join("scenario.toml");
    fs::write(&scenario, &imported.stdout)?;
    let checked = Probe::start(&format!("check {} -o json", scenario.display()))?.finish()?;
    ensure!(checked.code() == 0, "{checked:?}");
    let told = checked.json()?;
    ensure!(told["ready"] == true, "{told:#}");
    Ok(())
}
