//! Redis, by redis-benchmark and by redis-cli.

use anyhow::{Context, Result, ensure};
use tests::{
    Family, Pair,
    driver::{endpoint, run},
    servers::Redis,
    tool::Tool,
    turn::Turn,
    watch::{Watch, off},
};

use crate::in_time;

/// What redis-benchmark asks before it begins, in one go.
const CONFIGURATION: u64 = 1;

#[test]
#[ignore = "needs root"]
fn what_redis_benchmark_asks() -> Result<()> {
    const CALLS: u64 = 10_000;
    let _turn = Turn::together()?;
    in_time(|| {
        let pair = Pair::new()?;
        let to = endpoint(pair.far_address(Family::V4));
        let _redis = Redis::start(&pair.far, to)?;
        let watch = Watch::start(to)?;
        let mut benchmark = Tool::find("redis-benchmark")?.command();
        benchmark
            .args(["-h", &to.ip().to_string(), "-p", &to.port().to_string()])
            .args(["-n", &CALLS.to_string(), "-c", "2", "-t", "set", "--csv"]);
        let said = run(&pair.near, &mut benchmark, "")?;
        let seen = watch.finish()?;
        seen.ensure("redis", CALLS + CONFIGURATION, 0)?;
        off(
            "redis-benchmark",
            &seen,
            [latency(&said, 4)?, latency(&said, 6)?],
        )
    })
}

/// `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95…","p99…","max…"`
fn latency(said: &str, column: usize) -> Result<u64> {
    let line = said.lines().find(|line| line.starts_with("\"SET\""));
    let cell = line.and_then(|line| line.split(',').nth(column));
    let cell = cell.with_context(|| said.to_owned())?.trim_matches('"');
    Ok((cell.parse::<f64>()? * 1e3) as u64)
}

#[test]
#[ignore = "needs root"]
fn what_redis_refuses() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V6));
    let _redis = Redis::start(&pair.far, to)?;
    // redis-cli asks which commands there are; RESP 3 is asked for by a call of its own.
    for (resp, own) in [("-2", 1), ("-3", 2)] {
        let watch = Watch::start(to)?;
        let mut client = Tool::find("redis-cli")?.command();
        client
            .args(["-h", &to.ip().to_string(), "-p", &to.port().to_string()])
            .arg(resp);
        let input = "set word text\n".repeat(40) + &"lpush word element\n".repeat(12);
        let said = run(&pair.near, &mut client, &input)?;
        let seen = watch.finish()?;
        ensure!(said.matches("WRONGTYPE").count() == 12, "{said}");
        seen.ensure("redis", 52 + own, 12)?;
    }
    Ok(())
}
