//! Whom a fault reaches: each kind of endpoint, everything that vanishes in a blackhole, several
//! faults of several probes at once.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Family, Netns, Pair, Probe,
    binomial::interval_999,
    echo::Echo,
    turn::Turn,
    udp::{Receiver, Sender},
};

const PATIENCE: Duration = Duration::from_millis(400);

#[test]
#[ignore = "needs root"]
fn in_a_blackhole_everything_vanishes_that_goes_that_way() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        for (direction, out, back) in [("egress", 0, 50), ("ingress", 50, 0), ("both", 0, 0)] {
            let (near, far) = (pair.near_address(family), pair.far_address(family));
            let outwards = Receiver::new(&pair.far, SocketAddr::new(far, 0))?;
            let inwards = Receiver::new(&pair.near, SocketAddr::new(near, 0))?;
            let mut caller = Sender::new(&pair.near, outwards.address, 0, 100)?;
            let mut called = Sender::new(&pair.far, inwards.address, 0, 100)?;
            let probe = Probe::inject(&format!(
                "blackhole --to {far} --direction {direction} --netns {} --for 1s",
                pair.near.name
            ))?;
            caller.send(50, 10_000)?;
            called.send(50, 10_000)?;
            let came = (outwards.finish().count(), inwards.finish().count());
            let ended = probe.finish()?;
            ensure!(came == (out, back), "{direction}: {came:?} came");
            ensure!(ended.counter("dropped")? == 100 - out - back, "{ended:?}");
            let mut echo = Echo::new(&pair.near, far)?;
            ensure!(echo.once(PATIENCE)?.is_some(), "no answer after the fault");
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn an_endpoint_is_whom_it_names_and_nobody_else() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    pair.far.ip("address add 10.88.1.2/32 dev lo")?;
    pair.far.ip("address add fd88:0:0:1::2/128 dev lo")?;
    pair.near.ip("route add 10.88.1.2/32 via 10.88.0.2")?;
    pair.near.ip("route add fd88:0:0:1::2/128 via fd88::2")?;
    for (endpoint, hit, spared) in [
        ("10.88.0.2", "10.88.0.2:4101", "10.88.1.2:4101"),
        ("10.88.0.2:4101", "10.88.0.2:4101", "10.88.0.2:4102"),
        ("10.88.1.0/24", "10.88.1.2:4101", "10.88.0.2:4101"),
        ("10.88.0.0/24:4101", "10.88.0.2:4101", "10.88.0.2:4102"),
        (":4101", "10.88.1.2:4101", "10.88.1.2:4102"),
        (":4101", "[fd88::2]:4101", "[fd88::2]:4102"),
        ("fd88::2", "[fd88::2]:4101", "[fd88:0:0:1::2]:4101"),
        ("[fd88::2]:4101", "[fd88::2]:4101", "[fd88::2]:4102"),
        ("fd88:0:0:1::/64", "[fd88:0:0:1::2]:4101", "[fd88::2]:4101"),
    ] {
        only(
            &pair.near,
            &pair.far,
            endpoint,
            hit.parse()?,
            spared.parse()?,
        )?;
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_name_is_an_endpoint_too() -> Result<()> {
    let _turn = Turn::together()?;
    let netns = Netns::new("name")?;
    let (hit, spared) = ("127.0.0.1:4101".parse()?, "127.0.0.9:4101".parse()?);
    only(&netns, &netns, "localhost", hit, spared)
}

/// Whether a blackhole towards an endpoint swallows what goes to one address, and only that.
fn only(
    near: &Netns,
    far: &Netns,
    endpoint: &str,
    hit: SocketAddr,
    spared: SocketAddr,
) -> Result<()> {
    let receivers = (Receiver::new(far, hit)?, Receiver::new(far, spared)?);
    let mut hits = Sender::new(near, hit, 0, 100)?;
    let mut spares = Sender::new(near, spared, 0, 100)?;
    let probe = Probe::inject(&format!(
        "blackhole --to {endpoint} --netns {} --for 1s",
        near.name
    ))?;
    hits.send(100, 10_000)?;
    spares.send(100, 10_000)?;
    let (hit, spared) = (receivers.0.finish().count(), receivers.1.finish().count());
    let ended = probe.finish()?;
    ensure!(hit == 0, "{endpoint}: {hit} came through");
    ensure!(spared == 100, "{endpoint}: {spared} of others came");
    ensure!(ended.counter("dropped")? == 100, "{endpoint}: {ended:?}");
    Ok(())
}

/// Whichever was armed first: what one probe delays the other may lose.
#[test]
#[ignore = "needs root"]
fn faults_of_two_probes_hold_at_once() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        for faults in [["delay 50ms", "loss 30%"], ["loss 30%", "delay 50ms"]] {
            let to = pair.far_address(family);
            let mut echo = Echo::new(&pair.near, to)?;
            let inject = |fault: &str| {
                let netns = &pair.near.name;
                Probe::inject(&format!(
                    "{fault} --seed 5 --to {to} --netns {netns} --for 10m"
                ))
            };
            let probes = [inject(faults[0])?, inject(faults[1])?];
            let replies = echo.ask(500, Duration::from_millis(3), PATIENCE)?;
            let mut dropped = 0;
            for probe in probes {
                let ended = probe.end(Signal::SIGINT)?;
                ensure!(ended.code() == 3, "{faults:?}: {ended:?}");
                dropped += ended.counter("dropped")?;
            }
            println!(
                "{family:?} {faults:?}: {} lost, {:?}",
                replies.lost(),
                replies.median()
            );
            ensure!(
                dropped == replies.lost(),
                "{dropped} dropped, {} lost",
                replies.lost()
            );
            let fair = interval_999(500, 0.3);
            ensure!(fair.contains(&replies.lost()), "{} lost", replies.lost());
            let least = replies.round_trips.iter().min().copied();
            ensure!(least >= Some(Duration::from_millis(50)), "{least:?}");
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn delays_of_two_probes_add_up() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let to = pair.far_address(family);
        let inject = |fault: &str| {
            let netns = &pair.near.name;
            Probe::inject(&format!("{fault} --to {to} --netns {netns} --for 10m"))
        };
        let probes = [inject("delay 50ms")?, inject("delay 70ms")?];
        let replies = Echo::new(&pair.near, to)?.ask(40, Duration::from_millis(20), PATIENCE)?;
        for probe in probes {
            let ended = probe.end(Signal::SIGINT)?;
            ensure!(ended.counter("delayed")? == replies.sent, "{ended:?}");
        }
        println!("{family:?}: {:?}", replies.median());
        // On a busy machine it is later, but not by as much as either delay.
        let sum = Duration::from_millis(120)..Duration::from_millis(170);
        ensure!(sum.contains(&replies.median()), "{:?}", replies.median());
    }
    Ok(())
}
