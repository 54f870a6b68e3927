//! Connections that were there before probe: their calls are seen from then on.

use anyhow::{Result, ensure};
use tests::{
    Family, Pair,
    driver::{Client, endpoint},
    servers::{Grpc, Mariadb, Nginx, Postgres, Redis, nginx::Log},
    turn::Turn,
    watch::{Seen, Watch},
};

/// As many as a pool has that is in use.
const CONNECTIONS: u32 = 6;
/// Calls while it is observed, and those of them that the server answers with an error.
const CALLS: u64 = 72;
const FAILED: u64 = 12;

#[test]
#[ignore = "needs root"]
fn of_http() -> Result<()> {
    let seen = older("http1", |pair, to| {
        Nginx::start(&pair.far, to, Log::Nothing)
    })?;
    seen.ensure("http1", CALLS, FAILED)
}

#[test]
#[ignore = "needs root"]
fn of_redis() -> Result<()> {
    older("redis", |pair, to| Redis::start(&pair.far, to))?.ensure("redis", CALLS, FAILED)
}

#[test]
#[ignore = "needs root"]
fn of_postgres() -> Result<()> {
    older("postgres", |pair, to| Postgres::start(&pair.far, to))?.ensure("postgres", CALLS, FAILED)
}

#[test]
#[ignore = "needs root"]
fn of_mysql() -> Result<()> {
    older("mysql", |pair, to| Mariadb::start(&pair.far, to))?.ensure("mysql", CALLS, FAILED)
}

/// Calls share a connection, and are told apart all the same. What their headers say by an index of
/// before can't be known: how they went may be, how many there were must.
#[test]
#[ignore = "needs root"]
fn of_grpc() -> Result<()> {
    let seen = older("grpc", |pair, to| Grpc::start(&pair.far, to))?;
    for counted in [seen.outgoing(), seen.incoming()] {
        let answered = counted.ok + counted.errors;
        ensure!(
            counted.calls == CALLS && answered == CALLS,
            "{:#}",
            seen.summary
        );
    }
    ensure!(seen.calls.len() as u64 == CALLS, "{:#?}", seen.calls);
    let known = ["http2", "grpc"];
    let protocols = seen.protocols();
    ensure!(
        protocols.iter().all(|it| known.contains(&it.as_str())),
        "{protocols:?}"
    );
    Ok(())
}

/// Connects and calls, and only then is it observed; the server is kept until the end.
fn older<T>(
    protocol: &str,
    start: impl FnOnce(&Pair, std::net::SocketAddr) -> Result<T>,
) -> Result<Seen> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _server = start(&pair, to)?;
    let mut client = Client::start(&pair.near, protocol, to, CONNECTIONS)?;
    client.call(30, 0)?;
    client.fail(6)?;
    let watch = Watch::start(to)?;
    client.call((CALLS - FAILED) as u32, 0)?;
    client.fail(FAILED as u32)?;
    client.finish()?;
    watch.finish()
}
