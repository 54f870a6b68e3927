//! Calls of connections that carry many at once, against the clocks of who makes them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use tests::{
    Probe,
    priority::go_before_others,
    streams::{Caller, serve},
    turn::Turn,
};

/// How many streams at once.
const STREAMS: u64 = 64;
/// The callers' clocks run while they wait for a CPU, too: latencies that are off get another try,
/// what is counted doesn't.
const TRIES: usize = 5;

/// What was observed of a server's callers: each call, and all together.
struct Seen {
    calls: Vec<Value>,
    dependency: Value,
}

/// Observes what callers do to a server.
fn observe<F, T>(act: impl FnOnce(std::net::SocketAddr) -> F) -> Result<(T, Seen)>
where
    F: Future<Output = Result<T>>,
{
    // A busy machine is not to be taken for slow streams, as far as that can be helped.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(|| {
            let _ = go_before_others();
        })
        .build()?;
    let server = runtime.block_on(serve())?;
    let mut lines = Probe::start(&format!("observe -v --events --to {server}"))?;
    let mut sums = Probe::start(&format!("observe -v -o json --to {server}"))?;
    lines.wait_for("observing")?;
    sums.wait_for("observing")?;
    let told = runtime.block_on(act(server))?;
    // Both ends are closed before the observers are told to end.
    runtime.shutdown_timeout(Duration::from_secs(5));
    let lines = lines.end(Signal::SIGINT)?;
    let sums = sums.end(Signal::SIGINT)?;
    let observed = sums.json()?;
    ensure!(observed["lost_events"] == 0, "{}", observed["lost_events"]);
    let remote = server.to_string();
    let mut dependencies = observed["dependencies"].as_array().into_iter().flatten();
    let dependency = dependencies.find(|it| it["remote"] == remote).cloned();
    let dependency = dependency.with_context(|| format!("not observed: {observed:#}"))?;
    let calls: Vec<Value> = lines
        .stdout
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let calls = calls.into_iter().filter(|it| !it["dependency"].is_null());
    let calls = calls.collect();
    Ok((told, Seen { calls, dependency }))
}

#[test]
#[ignore = "needs root"]
fn each_of_64_streams_of_a_connection_is_a_call_of_its_own() -> Result<()> {
    let _turn = Turn::together()?;
    let mut off = Vec::new();
    for _ in 0..TRIES {
        off = compare()?;
        if off.is_empty() {
            return Ok(());
        }
        println!("off: {off:?}");
    }
    anyhow::bail!("{TRIES} times in a row, the last: {off:?}")
}

/// Holds counts against what was asked, and tells which latencies are off.
fn compare() -> Result<Vec<String>> {
    let (mut own, seen) = observe(async |server| {
        let caller = Caller::new(server).await?;
        // Far enough from each other that each latency tells which stream it is, and the first one
        // late enough that all are under way by then.
        let paths = (0..STREAMS).map(|n| format!("/wait/{}", 200 + n * 11));
        caller.ask_at_once(paths.collect()).await
    })?;
    let it = &seen.dependency;
    ensure!(
        it["calls"] == STREAMS && it["ok"] == STREAMS && seen.calls.len() as u64 == STREAMS,
        "{} calls told: {it:#}",
        seen.calls.len()
    );
    ensure!(
        it["protocol"] == "http2" && it["in_flight_max"] == STREAMS && it["in_flight"] == 0,
        "{it:#}"
    );
    let mut prints: Vec<_> = seen
        .calls
        .iter()
        .map(|it| it["request_fingerprint"].as_str())
        .collect();
    prints.sort_unstable();
    prints.dedup();
    ensure!(prints.len() as u64 == STREAMS, "{prints:?}");
    let mut observed: Vec<u64> = seen
        .calls
        .iter()
        .filter_map(|it| it["latency_us"].as_u64())
        .collect();
    observed.sort_unstable();
    own.sort_unstable();
    let mut off = Vec::new();
    let mut worst = 0;
    for (own, observed) in own.iter().zip(observed) {
        let own = own.as_micros() as u64;
        worst = worst.max(own.abs_diff(observed));
        if own.abs_diff(observed) > (own / 20).max(1_000) {
            off.push(format!("{observed} µs observed, {own} µs by its clock"));
        }
    }
    println!("64 streams: off by {worst} µs at most");
    Ok(off)
}

#[test]
#[ignore = "needs root"]
fn streams_end_each_in_its_own_way() -> Result<()> {
    let _turn = Turn::together()?;
    let ((), seen) = observe(async |server| {
        let caller = Caller::new(server).await?;
        for path in [
            "/status/200",
            "/status/503",
            "/grpc/0",
            "/grpc/14",
            "/grpc/5",
        ] {
            caller.ask(path).await?;
        }
        // Nobody waits for it any longer than this: its stream is reset, the connection stays.
        let patience = Duration::from_millis(300);
        let given_up = tokio::time::timeout(patience, caller.ask("/wait/5000")).await;
        ensure!(given_up.is_err(), "it was answered");
        caller.ask("/status/404").await?;
        Ok(())
    })?;
    let told: Vec<_> = seen
        .calls
        .iter()
        .map(|it| {
            (
                it["outcome"].as_str().unwrap_or_default(),
                it["status"].as_u64(),
            )
        })
        .collect();
    let due = [
        ("ok", Some(200)),
        ("error", Some(503)),
        ("ok", Some(0)),
        ("error", Some(14)),
        ("ok", Some(5)),
        ("abandoned", None),
        ("ok", Some(404)),
    ];
    ensure!(told == due, "{told:?}");
    let waited = seen.calls[5]["latency_us"].as_u64().unwrap_or_default();
    ensure!((290_000..1_500_000).contains(&waited), "{waited}");
    let it = &seen.dependency;
    ensure!(
        it["calls"] == 7 && it["errors"] == 2 && it["abandoned"] == 1 && it["in_flight"] == 0,
        "{it:#}"
    );
    Ok(())
}
