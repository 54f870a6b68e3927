//! The scenarios that ship, each in a lab with the pattern that it is about and in one without.
//! A few at every change; all of them, several times in a row, in `cargo xtask soak scenarios`.

use std::{env, fs, panic::resume_unwind, path::Path, process::Command, thread};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{
    Probe,
    lab::Lab,
    programs,
    screen::Screen,
    shipped::{self, Shipped, Shop},
    turn::Turn,
};

fn play(name: &str) -> Result<()> {
    let shipped = Shipped::read(name)?.context("it doesn't say how it is run")?;
    shipped.play(Shop::Whole)?;
    shipped.play(Shop::Lacking)
}

#[test]
#[ignore = "needs root"]
fn a_database_that_is_down() -> Result<()> {
    play("database-down")
}

#[test]
#[ignore = "needs root"]
fn connections_that_run_out() -> Result<()> {
    play("pool-exhaustion")
}

#[test]
#[ignore = "needs root"]
fn a_storm_of_retries() -> Result<()> {
    play("retry-storm")
}

#[test]
#[ignore = "needs root"]
fn a_slow_dependency() -> Result<()> {
    play("slow-dependency")
}

/// Once the one that ends two dependencies; or all, or those whose names `PROBE_GAME_DAY` begins, as
/// often in a row as `PROBE_GAME_DAYS` says.
#[test]
#[ignore = "needs root"]
fn all_that_ship() -> Result<()> {
    let times = env::var("PROBE_GAME_DAYS").ok();
    let usual = if times.is_none() { "two-at-once" } else { "" };
    let only = env::var("PROBE_GAME_DAY").unwrap_or_else(|_| usual.to_owned());
    let times: usize = times
        .map_or(Ok(1), |it| it.parse())
        .context("PROBE_GAME_DAYS")?;
    let mut wrong = Vec::new();
    let all = shipped::all()?;
    let chosen: Vec<_> = all
        .iter()
        .filter(|it| it.name.starts_with(&*only))
        .collect();
    ensure!(!chosen.is_empty(), "no scenario begins with {only:?}");
    for shipped in chosen {
        let mut as_told = [0, 0];
        for _ in 0..times {
            for (n, shop) in [Shop::Whole, Shop::Lacking].into_iter().enumerate() {
                match shipped.play(shop) {
                    Ok(()) => as_told[n] += 1,
                    Err(error) => wrong.push(format!("{error:#}")),
                }
            }
        }
        let (what, on) = &shipped.breaks;
        println!(
            "{times} times scenario {}, passed {} with it and failed {} without, by {what} on {on}",
            shipped.name, as_told[0], as_told[1]
        );
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

/// One run: its exit code, its verdict, and each expectation with what became of it.
type Told = (Option<i32>, String, Vec<String>);

fn told(code: Option<i32>, report: &Path) -> Result<Told> {
    let text = fs::read_to_string(report.join("verdict.json")).context("reading the verdict")?;
    let verdict: Value = serde_json::from_str(&text)?;
    let word = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let expectations = verdict["expectations"].as_array().context("none")?.iter();
    let each = expectations.map(|it| ["name", "on", "status"].map(|key| word(it, key)).join(" "));
    Ok((code, word(&verdict, "verdict"), each.collect()))
}

/// The shop without the pattern, with so few customers that what it does to them is far from every
/// bound.
fn lacking(shipped: &Shipped) -> Result<Lab> {
    Lab::up(&format!("{} --rate 8", shipped.fails))
}

fn played_headless(shipped: &Shipped, folder: &Path) -> Result<Told> {
    let lab = lacking(shipped)?;
    let file = shipped.write_for(&lab, folder)?;
    let mut command = Command::new(programs::probe()?);
    command
        .arg("run")
        .arg(&file)
        .args(["--headless", "--report"]);
    command.arg(folder).args(["--seed", "1"]);
    let ended = Probe::spawn(command)?.finish_within(shipped::LIMIT)?;
    told(Some(ended.code()), folder)
}

fn played_on_screen(shipped: &Shipped, folder: &Path) -> Result<Told> {
    let lab = lacking(shipped)?;
    let file = shipped.write_for(&lab, folder)?;
    let (file, report) = (file.display(), folder.display());
    let mut screen = Screen::start(&format!("run {file} --report {report} --seed 1"), (80, 24))?;
    screen.wait_so_long_for("✗ FAILED", shipped::LIMIT)?;
    screen.press("q")?;
    told(screen.finish()?.code(), folder)
}

#[test]
#[ignore = "needs root"]
fn the_dashboard_comes_to_the_verdict_that_is_told_headless() -> Result<()> {
    let _turn = Turn::together()?;
    let shipped = Shipped::read("slow-dependency")?.context("it doesn't say how it is run")?;
    let (mut headless, mut on_screen) = played_both_ways(&shipped)?;
    // A busy machine may leave too little evidence to one of them.
    let is_open = |told: &Told| told.2.iter().any(|it| it.ends_with(" unknown"));
    if headless != on_screen && (is_open(&headless) || is_open(&on_screen)) {
        println!("once more: {headless:?}, on screen {on_screen:?}");
        (headless, on_screen) = played_both_ways(&shipped)?;
    }
    ensure!(headless.0 == Some(1), "{headless:?}");
    ensure!(
        headless == on_screen,
        "{headless:?}, on screen {on_screen:?}"
    );
    Ok(())
}

/// The same at once, headless and on a screen.
fn played_both_ways(shipped: &Shipped) -> Result<(Told, Told)> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let [headless, on_screen] = thread::scope(|scope| {
        let on_screen = scope.spawn(|| played_on_screen(shipped, folders[0].path()));
        let headless = played_headless(shipped, folders[1].path());
        [
            headless,
            on_screen
                .join()
                .unwrap_or_else(|panic| resume_unwind(panic)),
        ]
    });
    Ok((headless?, on_screen?))
}

/// Valid, and all of those that the tests run are there.
#[test]
#[ignore = "needs root"]
fn every_scenario_is_valid() -> Result<()> {
    let mut count = 0;
    for entry in fs::read_dir(shipped::folder())? {
        let path = entry?.path();
        let output = Command::new(programs::probe()?)
            .arg("check")
            .arg(&path)
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {said}", path.display());
        count += 1;
    }
    ensure!(
        shipped::all()?.len() + 1 >= count,
        "one doesn't say how it is run"
    );
    Ok(())
}
