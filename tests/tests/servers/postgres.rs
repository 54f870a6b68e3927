//! PostgreSQL, by pgbench and by psql.

use std::fs;

use anyhow::{Context, Result, ensure};
use tests::{
    Family, Pair,
    driver::{endpoint, run},
    servers::Postgres,
    turn::Turn,
    watch::{Watch, off, quantiles},
};

use crate::in_time;

const CLIENTS: u64 = 2;
const TRANSACTIONS: u64 = 600;

/// One statement a transaction; one in fifty takes its time.
const SCRIPT: &str = "\\set n random(1, 50)\n\
                      select pg_sleep(case when :n = 1 then 0.02 else 0 end);\n";

#[test]
#[ignore = "needs root"]
fn what_pgbench_asks() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _postgres = Postgres::start(&pair.far, to)?;
    // Before the first of its transactions each client has its statement prepared.
    for (mode, preparing) in [("simple", 0), ("extended", 0), ("prepared", CLIENTS)] {
        in_time(|| {
            let folder = tempfile::tempdir()?;
            fs::write(folder.path().join("script.sql"), SCRIPT)?;
            let watch = Watch::start(to)?;
            let mut pgbench = Postgres::client("pgbench", to)?;
            pgbench
                .current_dir(folder.path())
                .args(["-n", "-f", "script.sql", "--log", "-M", mode])
                .args(["-c", &CLIENTS.to_string(), "-t", &TRANSACTIONS.to_string()]);
            let said = run(&pair.near, &mut pgbench, "")?;
            let seen = watch.finish()?;
            let made = CLIENTS * TRANSACTIONS;
            ensure!(
                said.contains(&format!("processed: {made}/{made}")),
                "{said}"
            );
            seen.ensure("postgres", made + preparing, 0)?;
            let own = transactions(folder.path())?;
            off(&format!("pgbench {mode}"), &seen, quantiles(&own))
        })?;
    }
    Ok(())
}

/// Microseconds of each: the third word of a line of pgbench's log.
fn transactions(folder: &std::path::Path) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for file in fs::read_dir(folder)?.flatten() {
        if file
            .file_name()
            .to_string_lossy()
            .starts_with("pgbench_log")
        {
            for line in fs::read_to_string(file.path())?.lines() {
                let word = line.split(' ').nth(2).context("a line of the log")?;
                all.push(word.parse()?);
            }
        }
    }
    Ok(all)
}

#[test]
#[ignore = "needs root"]
fn what_postgres_refuses() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V6));
    let _postgres = Postgres::start(&pair.far, to)?;
    let watch = Watch::start(to)?;
    let mut psql = Postgres::client("psql", to)?;
    let input = "select 1;\n".repeat(30) + &"select 1 / 0;\n".repeat(9) + &"nonsense;\n".repeat(4);
    let said = run(&pair.near, psql.args(["-X", "-q"]), &input)?;
    let seen = watch.finish()?;
    ensure!(said.matches("ERROR: ").count() == 13, "{said}");
    seen.ensure("postgres", 43, 13)
}
