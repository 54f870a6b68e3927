//! dnsmasq, by dig, over UDP and over TCP.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use tests::{
    Family, Pair,
    driver::run,
    servers::{
        Dnsmasq,
        dnsmasq::{KNOWN, MISSING, REFUSED},
    },
    tool::Tool,
    turn::Turn,
    watch::{Watch, off, quantiles},
};

use crate::in_time;

#[test]
#[ignore = "needs root"]
fn what_dig_asks_over_udp() -> Result<()> {
    asked("+notcp", "udp", Family::V4)
}

#[test]
#[ignore = "needs root"]
fn what_dig_asks_over_tcp() -> Result<()> {
    asked("+tcp", "tcp", Family::V6)
}

/// That a name doesn't exist is an answer; a refusal is none.
fn asked(by: &str, transport: &str, family: Family) -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    // Nobody else's: all name servers have one port.
    let address = match family {
        Family::V4 => "10.88.53.53",
        Family::V6 => "fd88::5353",
    };
    let bits = if family == Family::V4 { 32 } else { 128 };
    let nodad = if family == Family::V4 { "" } else { "nodad" };
    pair.far
        .ip(&format!("address add {address}/{bits} dev wire {nodad}"))?;
    pair.near
        .ip(&format!("route add {address}/{bits} dev wire"))?;
    let to = SocketAddr::new(address.parse()?, 53);
    let _dnsmasq = Dnsmasq::start(&pair.far, to)?;
    in_time(|| {
        let watch = Watch::start(to)?;
        let mut dig = Tool::find("dig")?.command();
        dig.args(["-u", by, "+tries=1", &format!("@{address}"), "-f", "-"]);
        let line = |name: &str| format!("{name} A\n");
        let asked = [(KNOWN, 150), (MISSING, 30), (REFUSED, 20)];
        let asked = asked.map(|(name, times)| line(name).repeat(times));
        let said = run(&pair.near, &mut dig, &asked.concat())?;
        let seen = watch.finish()?;
        for (status, times) in [("NOERROR", 150), ("NXDOMAIN", 30), ("REFUSED", 20)] {
            let came = said.matches(&format!("status: {status}")).count();
            ensure!(came == times, "{came} {status}: {said}");
        }
        let over = format!("({})", transport.to_uppercase());
        ensure!(said.matches(&over).count() == 200, "not all {over}: {said}");
        seen.ensure("dns", 200, 20)?;
        let mut transports = seen.dependencies().map(|it| it["transport"] == transport);
        ensure!(transports.all(|is_it| is_it), "{:#}", seen.summary);
        let own: Vec<u64> = said.lines().filter_map(query_time).collect();
        ensure!(own.len() == 200, "{said}");
        off("dig", &seen, quantiles(&own))
    })
}

/// The line `;; Query time: 123 usec`.
fn query_time(line: &str) -> Option<u64> {
    let rest = line.strip_prefix(";; Query time: ")?;
    rest.strip_suffix(" usec")?.parse().ok()
}
