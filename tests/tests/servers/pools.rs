//! Connections that were there before probe: their calls are seen from then on.

use anyhow::Result;
use tests::{
    Family, Pair,
    driver::{Client, endpoint},
    servers::{Mariadb, Nginx, Postgres, Redis, nginx::Log},
    turn::Turn,
    watch::Watch,
};

/// As many as a pool has that is in use.
const CONNECTIONS: u32 = 6;

#[test]
#[ignore = "needs root"]
fn of_http() -> Result<()> {
    older("http1", |pair, to| {
        Nginx::start(&pair.far, to, Log::Nothing)
    })
}

#[test]
#[ignore = "needs root"]
fn of_redis() -> Result<()> {
    older("redis", |pair, to| Redis::start(&pair.far, to))
}

#[test]
#[ignore = "needs root"]
fn of_postgres() -> Result<()> {
    older("postgres", |pair, to| Postgres::start(&pair.far, to))
}

#[test]
#[ignore = "needs root"]
fn of_mysql() -> Result<()> {
    older("mysql", |pair, to| Mariadb::start(&pair.far, to))
}

/// Connects and calls, and only then is it observed; the server is kept until the end.
fn older<T>(
    protocol: &str,
    start: impl FnOnce(&Pair, std::net::SocketAddr) -> Result<T>,
) -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = endpoint(pair.far_address(Family::V4));
    let _server = start(&pair, to)?;
    let mut client = Client::start(&pair.near, protocol, to, CONNECTIONS)?;
    client.call(30, 0)?;
    client.fail(6)?;
    let watch = Watch::start(to)?;
    client.call(60, 0)?;
    client.fail(12)?;
    client.finish()?;
    watch.finish()?.ensure(protocol, 72, 12)
}
