//! The demo: the whole game day, its verdict, and that nothing of it is left however it ends.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use tests::{Ended, Probe, patience::wait_until, turn::Turn};

/// What the game day itself may take.
const LIMIT: Duration = Duration::from_secs(90);
const LOCK: &str = "/run/lab/lab.lock";
const ROLES: [&str; 5] = [
    "shop",
    "payments",
    "inventory",
    "recommendations",
    "customers",
];

/// Starts a demo, once nobody else's is on this host.
fn start(arguments: &str) -> Result<Probe> {
    wait_until("somebody else's lab to close", 2 * LIMIT, || {
        !Path::new(LOCK).exists()
    })?;
    Probe::start(&format!("demo --headless -o json {arguments}"))
}

/// Waits until nothing of a demo is left: processes, namespaces, the lab's lock.
fn wait_until_gone(family: &tests::probe::Kin) -> Result<()> {
    let left = || {
        let namespaces = ROLES.map(|role| format!("/run/netns/lab-{role}"));
        let files = namespaces.into_iter().chain([LOCK.to_owned()]);
        let mut left: Vec<_> = files.filter(|path| Path::new(path).exists()).collect();
        left.extend(family.alive());
        left
    };
    let gone = wait_until("the demo to be cleared up", Duration::from_secs(10), || {
        left().is_empty()
    });
    gone.with_context(|| format!("{:?}", left()))
}

fn play(arguments: &str) -> Result<(Ended, Duration)> {
    let _turn = Turn::together()?;
    let began = Instant::now();
    let probe = start(arguments)?;
    let family = probe.family();
    let ended = probe.finish_within(3 * LIMIT)?;
    wait_until_gone(&family)?;
    Ok((ended, began.elapsed()))
}

#[test]
#[ignore = "needs root"]
fn the_shop_passes_its_game_day() -> Result<()> {
    let reports = tempfile::tempdir()?;
    let folder = reports.path().join("first");
    let (ended, took) = play(&format!("--slo 99.9% --report {}", folder.display()))?;
    println!("{took:?}");
    ensure!(ended.code() == 0, "{ended:?}");
    let verdict = ended.json()?;
    ensure!(verdict["schema"] == "probe.verdict/1", "{verdict}");
    ensure!(
        verdict["verdict"] == "passed" && verdict["exit_code"] == 0,
        "{verdict}"
    );
    ensure!(took < LIMIT, "it took {took:?}");
    hold_reports(&folder, &verdict)?;
    let history = Probe::start(&format!("history -o json {}", reports.path().display()))?;
    let history = history.finish()?;
    ensure!(history.code() == 0, "{history:?}");
    let told = history.json()?;
    ensure!(told["scenarios"][0]["passed"] == 1, "{told}");
    Ok(())
}

/// Reports say what was said on standard output.
fn hold_reports(folder: &Path, verdict: &Value) -> Result<()> {
    let read = |name: &'static str| std::fs::read_to_string(folder.join(name)).context(name);
    let written: Value = serde_json::from_str(&read("verdict.json")?)?;
    ensure!(&written == verdict, "{written}");
    let metrics = &verdict["metrics"];
    ensure!(metrics["error_budget"]["burnt"].is_number(), "{metrics}");
    let moments = verdict["course"]["dependencies"][0]["moments"].as_array();
    let moments = moments.context("no course of payments")?;
    ensure!(moments.len() > 30, "{} moments", moments.len());
    ensure!(
        moments.iter().any(|it| it["in_flight"].is_u64()),
        "{moments:?}"
    );
    let junit = read("junit.xml")?;
    ensure!(junit.contains("failures=\"0\" errors=\"0\""), "{junit}");
    ensure!(read("report.md")?.contains("## Runbook"));
    ensure!(read("report.html")?.matches("<svg ").count() >= 4);
    println!("{metrics}");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn without_its_timeout_it_fails_and_says_in_what() -> Result<()> {
    let (ended, _) = play("--without timeout")?;
    ensure!(ended.code() == 1, "{ended:?}");
    let verdict = ended.json()?;
    ensure!(
        verdict["verdict"] == "failed" && verdict["exit_code"] == 1,
        "{verdict}"
    );
    let expectations = verdict["expectations"]
        .as_array()
        .context("no expectations")?;
    let broken: Vec<_> = expectations
        .iter()
        .filter(|it| it["status"] == "not_met")
        .collect();
    ensure!(!broken.is_empty(), "{verdict}");
    for it in broken {
        println!(
            "{} {} expected, {} measured",
            it["name"], it["expected"], it["measured"]
        );
        for field in ["name", "expected", "measured"] {
            ensure!(it[field] != Value::Null, "no {field}: {it}");
        }
    }
    Ok(())
}

/// While the lab is being built, while it is steady, under the fault.
#[test]
#[ignore = "needs root"]
fn interrupted_at_any_moment_it_leaves_nothing() -> Result<()> {
    let _turn = Turn::together()?;
    let mut random = StdRng::seed_from_u64(3);
    for (from, to) in [(0, 300), (300, 3_000), (10_000, 13_000)] {
        let mut probe = start("")?;
        let family = probe.family();
        // Somebody's finger; there is nothing to wait for.
        let moment = Duration::from_millis(random.random_range(from..to));
        if from > 0 {
            probe.wait_for("game day:")?;
        }
        thread::sleep(moment);
        let ended = probe.end(Signal::SIGINT)?;
        println!("after {moment:?}: {}", ended.status);
        // Before it watches for it, a Ctrl-C ends it as it ends any program.
        let early = from == 0 && ended.code() == -2;
        ensure!(early || ended.code() == 3, "after {moment:?}: {ended:?}");
        wait_until_gone(&family)?;
    }
    Ok(())
}
