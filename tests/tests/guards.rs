//! What ends a game day early, and what happens to the commands it started: a guard that trips, a
//! full time box. Faults end, commands are killed, and why is told.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{Ended, Probe, lab::Lab, patience::wait_until, programs, turn::Turn};

/// From the fault's beginning: until its calls have failed, the guard's second, and one more.
const TRIPS_WITHIN_MS: u64 = 3_500;

/// A command that outlasts every game day, told from everybody else's by its argument.
fn sleep(lab: &Lab) -> String {
    let number: u64 = lab.pid("shop").map_or(0, u64::from);
    (3_000_000_000 + number).to_string()
}

fn scenario(lab: &Lab, time_box: &str, rest: &str) -> String {
    format!(
        r#"name = "early end"
time_box = "{time_box}"
[service]
name = "shop"
listen = 8080
netns = "{}"
[[dependency]]
name = "payments"
to = ["10.77.1.2:8080"]
[steady_state]
for = "1s"
success_rate = ">= 90%"
[[step]]
at = "0s"
run = ["false"]
[[step]]
at = "0s"
run = ["sleep", "{}"]
{rest}"#,
        lab.netns("shop"),
        sleep(lab)
    )
}

fn run(text: &str) -> Result<Ended> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("early.toml");
    fs::write(&file, text)?;
    let mut command = Command::new(programs::probe()?);
    command.arg("run").arg(&file);
    command.args(["--headless", "-o", "json", "--seed", "1"]);
    Probe::spawn(command)?.finish_within(Duration::from_secs(60))
}

/// Whether the command that a game day started still runs.
fn sleeps(number: &str) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut lines = processes.filter_map(|it| fs::read(it.path().join("cmdline")).ok());
    lines.any(|line| line.starts_with(format!("sleep\0{number}").as_bytes()))
}

/// When something that begins so was told, in milliseconds.
fn told(verdict: &Value, words: &str) -> Result<u64> {
    let timeline = verdict["timeline"].as_array().context("no timeline")?;
    let fits = |it: &&Value| it["text"].as_str().is_some_and(|it| it.starts_with(words));
    let entry = timeline.iter().find(fits);
    let entry = entry.with_context(|| format!("no {words:?} in {timeline:#?}"))?;
    entry["at_ms"].as_u64().context("no time")
}

/// Whether everything was undone, and commands are accounted for.
fn hold_commands(lab: &Lab, verdict: &Value) -> Result<()> {
    told(verdict, "command exited with 1: false")?;
    let number = sleep(lab);
    wait_until("the command to be killed", Duration::from_secs(2), || {
        !sleeps(&number)
    })
}

#[test]
#[ignore = "needs root"]
fn a_guard_ends_faults_and_commands() -> Result<()> {
    let _turn = Turn::together()?;
    let lab = Lab::up("--without fallback")?;
    let rest = r#"[[step]]
at = "0s"
for = "20s"
on = "payments"
fault = "blackhole"
[abort]
success_rate = "< 80% for 1s"
"#;
    let ended = run(&scenario(&lab, "1m", rest))?;
    ensure!(ended.code() == 3, "{ended:?}");
    let verdict = ended.json()?;
    let tripped = told(&verdict, "aborted: guard tripped: success_rate was")?;
    let took = tripped - told(&verdict, "armed for")?;
    println!("tripped after {took} ms");
    ensure!(took <= TRIPS_WITHIN_MS, "it took {took} ms: {verdict:#}");
    hold_commands(&lab, &verdict)?;
    // Whoever is still under a fault calls in vain.
    let after = Probe::start(&format!(
        "observe -o json --for 2s --netns {} --to 10.77.1.2:8080",
        lab.netns("shop")
    ))?;
    let seen = after.finish()?.json()?;
    let payments = &seen["dependencies"][0];
    ensure!(payments["ok"].as_u64().unwrap_or(0) > 10, "{seen:#}");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_full_time_box_ends_commands_as_well() -> Result<()> {
    let _turn = Turn::together()?;
    let lab = Lab::up("")?;
    // Without a fault the command's end is waited for, which doesn't come.
    let ended = run(&scenario(&lab, "5s", ""))?;
    ensure!(ended.code() == 3, "{ended:?}");
    let verdict = ended.json()?;
    let full = told(&verdict, "aborted: the time box of 5 s is full")?;
    ensure!((5_000..7_000).contains(&full), "{full} ms");
    hold_commands(&lab, &verdict)
}
