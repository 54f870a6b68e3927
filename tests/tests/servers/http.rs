//! nginx, by curl and by wrk.

use std::fs;

use anyhow::{Context, Result, ensure};
use tests::{
    Family, Pair,
    driver::{endpoint, run},
    servers::{Nginx, nginx::Log},
    tool::Tool,
    turn::Turn,
    watch::{Watch, off, quantiles},
    wrk,
};

use crate::in_time;

/// Asks for URLs one after the other, on one connection. Microseconds until each answer began, from
/// when there was a connection; what curl calls `pretransfer` is when the request was sent already.
fn curl(pair: &Pair, urls: &[String]) -> Result<Vec<u64>> {
    let mut command = Tool::find("curl")?.command();
    command.args(["--silent", "--globoff", "--disable"]);
    command.args(["-w", "%{time_connect} %{time_starttransfer}\n"]);
    for url in urls {
        command.args(["-o", "/dev/null", url]);
    }
    let said = run(&pair.near, &mut command, "")?;
    let lines = said.lines().map(|line| {
        let mut words = line.split(' ').map(str::parse::<f64>);
        let (connected, answered) = (words.next().context(line.to_owned())??, words.next());
        Ok(((answered.context(line.to_owned())?? - connected) * 1e6) as u64)
    });
    lines.collect()
}

#[test]
#[ignore = "needs root"]
fn what_curl_asks_of_nginx() -> Result<()> {
    let _turn = Turn::together()?;
    in_time(|| {
        let pair = Pair::new()?;
        let to = endpoint(pair.far_address(Family::V4));
        let nginx = Nginx::start(&pair.far, to, Log::Requests)?;
        let watch = Watch::start(to)?;
        let mut urls = Vec::new();
        for (path, times) in [("", 400), ("slow", 60), ("failing", 25), ("missing", 15)] {
            urls.extend(vec![format!("http://{to}/{path}"); times]);
        }
        let own = curl(&pair, &urls)?;
        let seen = watch.finish()?;
        ensure!(own.len() == 500 && nginx.served() == 500, "{own:?}");
        seen.ensure("http1", 500, 25)?;
        let with = |status: u16| {
            seen.calls
                .iter()
                .filter(move |call| call["status"] == status)
        };
        ensure!(
            with(503).count() == 25 && with(404).count() == 15,
            "{seen:?}"
        );
        off("curl", &seen, quantiles(&own))
    })
}

/// A thousand calls a second and more, so that neither end is what the other waits for. wrk hangs up
/// while some of its calls are under way.
#[test]
#[ignore = "needs root"]
fn what_wrk_asks_of_nginx() -> Result<()> {
    const CONNECTIONS: u64 = 4;
    let _turn = Turn::together()?;
    in_time(|| {
        let pair = Pair::new()?;
        let to = endpoint(pair.far_address(Family::V4));
        let nginx = Nginx::start(&pair.far, to, Log::Requests)?;
        let watch = Watch::summing(to)?;
        let mut command = Tool::find("wrk")?.command();
        let pause = tempfile::NamedTempFile::new()?;
        fs::write(&pause, "function delay() return 1 end\n")?;
        command.args([
            "-t1",
            "-d2s",
            "--latency",
            &format!("-c{CONNECTIONS}"),
            "-s",
        ]);
        command.arg(pause.path());
        let said = run(&pair.near, command.arg(format!("http://{to}/")), "")?;
        let seen = watch.finish()?;
        let (made, served) = (wrk::requests(&said)?, nginx.served() as u64);
        let (outgoing, incoming) = (seen.outgoing(), seen.incoming());
        println!("wrk: {made} answered, {served} served; seen {outgoing:?}, {incoming:?}");
        ensure!(
            seen.protocols().iter().eq(["http1"]),
            "{:?}",
            seen.protocols()
        );
        // What nginx served and wrk didn't wait for is in neither's way of counting.
        ensure!(
            (made..=made + CONNECTIONS).contains(&outgoing.ok),
            "{seen:?}"
        );
        ensure!(
            (made..=made + CONNECTIONS).contains(&outgoing.calls),
            "{seen:?}"
        );
        ensure!(outgoing.errors == 0 && incoming.errors == 0, "{seen:?}");
        ensure!(
            outgoing.calls >= served && incoming.calls >= served,
            "{seen:?}"
        );
        off(
            "wrk",
            &seen,
            [
                wrk::latency_us(&said, "50%")?,
                wrk::latency_us(&said, "99%")?,
            ],
        )
    })
}
