//! DNS over UDP, observed: each question is a call, with its own latency and outcome, of who asks
//! and of who answers; and what answers say names what is called next.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use tests::{
    Family, Pair, Probe,
    conversation::{Parrot, Talker},
    patience::LONG,
    resolver::{A, AAAA, ADDRESSES, Asker, Resolver, SLOW},
    turn::Turn,
};

/// Addresses asked for together, of which the second takes its time.
const PAIRS: u16 = 25;
const FAILURES: u16 = 9;
const NAMELESS: u16 = 11;
const SILENT: u16 = 5;
const AGAIN: u16 = 7;

/// Everything that one socket asks: how many calls that is, and of those how many errors.
fn interview(asker: &Asker) -> Result<(u16, u16)> {
    for pair in 0..PAIRS {
        // By both numbers at once, as resolvers do.
        asker.ask(2 * pair, "shop.test", A)?;
        asker.ask(2 * pair + 1, "slow.shop.test", AAAA)?;
        ensure!(asker.answer()? == (2 * pair, 0));
        ensure!(asker.answer()? == (2 * pair + 1, 0));
    }
    for (times, name, code) in [
        (FAILURES, "servfail.shop.test", 2),
        (NAMELESS, "nx.shop.test", 3),
    ] {
        for id in 0..times {
            asker.ask(id, name, A)?;
            ensure!(asker.answer()? == (id, code));
        }
    }
    for id in 0..AGAIN {
        // Sent again before the answer came: it is answered twice, and is one call.
        asker.ask(id, "slow.shop.test", A)?;
        asker.ask(id, "slow.shop.test", A)?;
        ensure!(asker.answer()? == (id, 0) && asker.answer()? == (id, 0));
    }
    for id in 0..SILENT {
        asker.ask(1_000 + id, "silent.shop.test", A)?;
    }
    Ok((2 * PAIRS + FAILURES + NAMELESS + AGAIN, FAILURES))
}

fn dependency<'a>(document: &'a Value, remote: &str, pid: u32) -> Result<&'a Value> {
    let mut all = document["dependencies"].as_array().into_iter().flatten();
    all.find(|it| it["remote"] == remote && it["service"]["pid"] == pid)
        .with_context(|| format!("{remote} was not observed: {document:#}"))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(u64::MAX)
}

#[test]
#[ignore = "needs root"]
fn each_question_is_a_call_of_who_asked_it() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let server = SocketAddr::new(pair.far_address(family), 53);
        let resolver = Resolver::new(&pair.far, server)?;
        let before = Asker::new(&pair.near, server, true)?;
        let mut probe = Probe::start("observe -v -o json")?;
        probe.wait_for("observing")?;
        let connected = Asker::new(&pair.near, server, true)?;
        let free = Asker::new(&pair.near, server, false)?;
        // What isn't answered is left when the socket is closed.
        let (calls, errors) = interview(&before)?;
        drop(before);
        interview(&connected)?;
        drop(connected);
        interview(&free)?;
        drop(free);
        let document = probe.end(Signal::SIGINT)?.json()?;
        ensure!(document["lost_events"] == 0);
        // Whose the one from before is isn't known: this process is in another namespace.
        let old = dependency(&document, &server.to_string(), 0)?;
        ensure!(
            old["calls"] == calls + SILENT && old["errors"] == errors,
            "{old:#}"
        );
        ensure!(old["abandoned"] == SILENT, "{old:#}");
        let seen = dependency(&document, &server.to_string(), std::process::id())?;
        println!("{seen:#}");
        let (calls, errors) = (2 * u64::from(calls), 2 * u64::from(errors));
        let abandoned = 2 * u64::from(SILENT);
        ensure!(seen["transport"] == "udp" && seen["protocol"] == "dns");
        ensure!(seen["calls"] == calls + abandoned, "{calls}");
        ensure!(seen["errors"] == errors && seen["abandoned"] == abandoned);
        ensure!(seen["ok"] == calls - errors && seen["in_flight"] == 0);
        let latency = &seen["latency_us"];
        ensure!(latency["count"] == calls);
        let slow = SLOW.as_micros() as u64;
        ensure!(
            number(&latency["p50"]) < slow / 2,
            "the quick ones: {latency}"
        );
        ensure!(
            number(&latency["p90"]).abs_diff(slow) < slow / 4,
            "the slow ones: {latency}"
        );
        let mut services = document["services"].as_array().into_iter().flatten();
        let all = calls / 2 * 3;
        let own = |it: &&Value| it["transport"] == "udp" && it["calls"] == all;
        let served = services.find(own);
        let served = served.with_context(|| format!("{all}: {:#}", document["services"]))?;
        ensure!(served["protocol"] == "dns" && served["errors"] == errors / 2 * 3);
        let sent = served["calls"].as_u64().context("no calls")? + 3 * u64::from(AGAIN + SILENT);
        ensure!(resolver.asked() == sent, "{} of {sent}", resolver.asked());
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn what_an_answer_says_names_what_is_called() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let [address, _] = ADDRESSES;
    pair.far.ip(&format!("address add {address}/32 dev wire"))?;
    pair.near.ip(&format!("route add {address}/32 dev wire"))?;
    let server = SocketAddr::new(pair.far_address(Family::V4), 53);
    let _resolver = Resolver::new(&pair.far, server)?;
    let parrot = Parrot::new(&pair.far, SocketAddr::new(address, 7_300))?;
    let mut probe = Probe::start("observe -v -o json")?;
    probe.wait_for("observing")?;
    let asker = Asker::new(&pair.near, server, false)?;
    asker.ask(1, "Payments.Shop.Test", A)?;
    ensure!(asker.answer()? == (1, 0));
    ensure!(Talker::new(&pair.near, parrot)?.talk(3, LONG)? == 3);
    let document = probe.end(Signal::SIGINT)?.json()?;
    let called = dependency(&document, &parrot.address.to_string(), std::process::id())?;
    ensure!(called["calls"] == 3, "{called:#}");
    let name = called["name"].as_str().unwrap_or_default();
    ensure!(name.starts_with("payments.shop.test"), "{called:#}");
    Ok(())
}
