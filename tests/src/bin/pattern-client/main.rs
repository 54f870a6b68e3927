//! Calls a server by libraries that Rust programs use, as a configuration says: probe is held against it.
//!
//! `pattern-client HOST PORT CONFIGURATION` says `ready` once it calls. The configuration is JSON:
//!
//! | word | what it says |
//! |---|---|
//! | library | tower (around hyper's pooled client), or ureq (with backon) |
//! | timeout | milliseconds: of an attempt |
//! | retry | `{attempts, min, max, jitter}` of tower's backoff; `{attempts, min, factor, jitter}` of backon's, `{attempts, every}` for its constant one; milliseconds |
//! | limit | calls under way at once (tower): more wait |
//! | sheds | that more are refused instead |
//! | fallback | whether whoever asks is answered well all the same |
//! | workers | who call one after the other, and `rest` for so many milliseconds after each |
//! | serves | port: calls are made for requests that come in there, instead (tower) |
//!
//! `PATTERN_SEED` is what its randomness comes from.

mod blocking;
mod chance;
mod config;
mod service;
mod stack;

use std::env;

use anyhow::{Context, Result, bail};
use config::Config;

fn main() -> Result<()> {
    let [host, port, text] = env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .ok()
        .context("three arguments are needed: HOST PORT CONFIGURATION")?;
    let config = Config::read(&text)?;
    let server = format!("http://{host}:{port}");
    match &*config.library {
        "tower" => service::run(config, server),
        "ureq" => blocking::run(&config, &server),
        other => bail!("there is no library {other}\nhint: tower, ureq"),
    }
}
