//! A gRPC server and a gRPC client, both Google's in Python: calls that share a connection.

use anyhow::{Context, Result, ensure};
use tests::{
    Family, Pair,
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
        // Longer than the client itself takes for a call.
        let own = client.call(80, 40)?;
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
