//! A gRPC server and a gRPC client, both Google's in Python: calls that share a connection.

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Family, Pair, Probe,
    driver::{Client, endpoint},
    servers::Grpc,
    turn::Turn,
    watch::{Watch, off, quantiles},
};

use crate::in_time;

#[test]
#[ignore = "needs root"]
fn what_a_grpc_client_asks() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _grpc = Grpc::start(&pair.far, to)?;
    in_time(|| {
        let watch = Watch::start(to)?;
        let mut client = Client::start(&pair.near, "grpc", to, 1)?;
        // A twentieth of it is longer than the client itself takes for a call, on a slow machine too.
        let own = client.call(80, 200)?;
        client.fail(20)?;
        client.finish()?;
        let seen = watch.finish()?;
        seen.ensure("grpc", 100, 20)?;
        let unavailable = seen.calls.iter().filter(|call| call["status"] == 14);
        ensure!(unavailable.count() == 20, "{:?}", seen.calls);
        // The failed ones take no time: they are the least.
        let own: Vec<_> = own.into_iter().chain(vec![0; 20]).collect();
        off("grpcio", &seen, quantiles(&own))
    })
}

/// Where packets get lost, those behind them come first: every call is counted all the same, by
/// either end.
#[test]
#[ignore = "needs root"]
fn calls_on_a_path_that_loses_packets() -> Result<()> {
    const ROUNDS: u64 = 12;
    const AT_ONCE: u64 = 16;
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _grpc = Grpc::start(&pair.far, to)?;
    let watch = Watch::start(to)?;
    let mut client = Client::start(&pair.near, "grpc", to, 1)?;
    client.call(1, 0)?;
    let fault = format!("loss 10% --to {to} --netns {}", pair.near.name);
    let probe = Probe::inject(&format!("{fault} --direction both --seed 7 --for 5m"))?;
    for _ in 0..ROUNDS {
        client.call_together(&[10; AT_ONCE as usize])?;
    }
    let ended = probe.end(Signal::SIGINT)?;
    client.finish()?;
    let seen = watch.finish()?;
    let retransmits = seen.dependencies().next().context("no dependency")?["retransmits"].as_u64();
    ensure!(
        ended.counter("dropped")? > 0 && retransmits > Some(0),
        "nothing was lost: {ended:?}"
    );
    seen.ensure("grpc", 1 + ROUNDS * AT_ONCE, 0)
}

/// Each has a delay of its own, and the latency of each call is within 5 % or 1 ms of it.
#[test]
#[ignore = "needs root"]
fn sixty_four_streams_at_once_have_each_its_latency() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _grpc = Grpc::start(&pair.far, to)?;
    in_time(|| {
        let watch = Watch::start(to)?;
        let mut client = Client::start(&pair.near, "grpc", to, 1)?;
        // The first call on a connection does more.
        client.call(1, 0)?;
        // In no order of their numbers.
        let delays: Vec<u64> = (0..64).map(|n| 200 + 15 * (n * 29 % 64)).collect();
        let mut own = client.call_together(&delays)?;
        client.finish()?;
        let seen = watch.finish()?;
        seen.ensure("grpc", 65, 0)?;
        let in_flight = seen.dependencies().next().context("no dependency")?;
        ensure!(in_flight["in_flight_max"] == 64, "{in_flight:#}");
        let told = seen.calls.iter().map(|call| call["latency_us"].as_u64());
        let mut told: Vec<_> = told.collect::<Option<_>>().context("no latency")?;
        told.sort_unstable();
        // Of the first one nobody kept the time; it is the least.
        told.remove(0);
        own.sort_unstable();
        let pairs = told.iter().zip(&own);
        let off = pairs.filter(|(told, own)| told.abs_diff(**own) > (**own / 20).max(1_000));
        Ok(off
            .map(|pair| format!("observed and own: {pair:?}"))
            .collect())
    })
}
