//! The delay line under load: what it doesn't carry it counts. How fast it is, a benchmark tells.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use tests::{
    Family, Netns, Pair, Probe,
    snmp::Snmp,
    stream,
    turn::Turn,
    udp::{Receiver, Sender},
};

/// What leaves the interface is what came out of the line, and every packet goes through it: so
/// what was dropped anywhere between is known exactly, whatever TCP made of it.
#[test]
#[ignore = "needs root"]
fn a_gigabyte_arrives_whole_and_no_loss_goes_uncounted() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    pair.know_each_other()?;
    for family in Family::BOTH {
        let to = pair.far_address(family);
        let probe = Probe::inject(&format!(
            "delay 2ms --to {to} --netns {} --for 60s",
            pair.near.name
        ))?;
        let quiet = Snmp::of(&pair.near)?;
        let before = (transmitted(&pair.near)?, received(&pair.far)?);
        let cost = stream::transfer(&pair.near, &pair.far, SocketAddr::new(to, 0), 1 << 30)?;
        let ended = probe.end(Signal::SIGINT)?;
        let (delayed, overflow) = (ended.counter("delayed")?, ended.counter("overflow")?);
        // The kernel tells its neighbours which groups it is in, in its own time.
        let chatter = Snmp::of(&pair.near)?.growth("Icmp6OutMsgs", &quiet);
        let left = transmitted(&pair.near)? - before.0 - chatter;
        println!("{family:?}: {cost:?}, {delayed} delayed, {left} left, {overflow} overflowed");
        ensure!(delayed > 1000, "{ended:?}");
        ensure!(ended.counter("errors")? == 0, "{ended:?}");
        ensure!(left + overflow == delayed, "{left} left: {ended:?}");
        ensure!(
            received(&pair.far)? - before.1 == left + chatter,
            "lost on the wire"
        );
    }
    Ok(())
}

fn transmitted(netns: &Netns) -> Result<u64> {
    counted(netns, "tx")
}

fn received(netns: &Netns) -> Result<u64> {
    counted(netns, "rx")
}

/// A counter of the wire's end in a namespace.
fn counted(netns: &Netns, way: &str) -> Result<u64> {
    let shown: Value = serde_json::from_str(&netns.ip("-j -s link show wire")?)?;
    let packets = &shown[0]["stats64"][way]["packets"];
    packets
        .as_u64()
        .with_context(|| format!("no {way} in {shown}"))
}

#[test]
#[ignore = "needs root"]
fn of_a_flood_every_packet_arrives_or_is_counted() -> Result<()> {
    const PACKETS: u64 = 100_000;
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let to = pair.far_address(family);
        let receiver = Receiver::new(&pair.far, SocketAddr::new(to, 0))?;
        let mut sender = Sender::new(&pair.near, receiver.address, 0, 400)?;
        let before = Snmp::of(&pair.far)?;
        let probe = Probe::inject(&format!(
            "delay 50ms --to {to} --proto udp --netns {} --for 5s",
            pair.near.name
        ))?;
        // As fast as it can.
        sender.send(PACKETS, u64::MAX)?;
        let received = receiver.finish();
        let ended = probe.finish()?;
        let (delayed, overflow) = (ended.counter("delayed")?, ended.counter("overflow")?);
        println!(
            "{family:?}: {} of {PACKETS} came, {overflow} overflowed",
            received.count()
        );
        for name in ["UdpRcvbufErrors", "Udp6RcvbufErrors"] {
            let no_room = Snmp::of(&pair.far)?.growth(name, &before);
            ensure!(no_room == 0, "the receiver had no room for {no_room}");
        }
        ensure!(delayed == PACKETS, "{ended:?}");
        ensure!(
            received.count() + overflow == PACKETS,
            "{} came: {ended:?}",
            received.count()
        );
        let overtaken = received.numbers.windows(2).filter(|two| two[0] > two[1]);
        let overtaken: Vec<_> = overtaken.collect();
        ensure!(
            overtaken.is_empty(),
            "{} overtook others, first {:?}: {ended:?}",
            overtaken.len(),
            &overtaken[..overtaken.len().min(8)]
        );
    }
    Ok(())
}
