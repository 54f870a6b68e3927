//! The scenarios that ship, each in a lab with the pattern that it is about and in one without.
//! A few at every change; all of them, several times in a row, in `cargo xtask soak scenarios`.

use std::{env, fs, process::Command};

use anyhow::{Context, Result, ensure};
use tests::{
    programs,
    shipped::{self, Shipped, Shop},
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
