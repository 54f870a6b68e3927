//! Corrupt: on the wire the receiver's stack rejects exactly what was changed; in the payload the
//! application gets it, one bit each.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use tests::{
    Ended, Family, Pair, Probe,
    binomial::interval_999,
    snmp::Snmp,
    stream,
    turn::Turn,
    udp::{Received, Receiver, Sender},
};

const PACKETS: u64 = 2_000;
const SHARE: f64 = 0.2;

/// What came of packets under a corruption.
struct Flood {
    ended: Ended,
    received: Received,
    bad_checksums: u64,
    errors: u64,
}

#[test]
#[ignore = "needs root"]
fn on_the_wire_the_stack_rejects_what_was_changed() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        for direction in ["egress", "ingress"] {
            let it = flood(&pair, family, direction, "wire")?;
            let corrupted = corrupted(&it.ended)?;
            println!(
                "{family:?} {direction}: {corrupted} corrupted, {} rejected",
                it.bad_checksums
            );
            ensure!(
                it.bad_checksums == corrupted,
                "{} rejected",
                it.bad_checksums
            );
            ensure!(it.errors == corrupted, "{} errors", it.errors);
            ensure!(it.received.changed.is_empty(), "{:?}", it.received.changed);
            ensure!(
                it.received.count() == PACKETS - corrupted,
                "{}",
                it.received.count()
            );
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn in_the_payload_the_application_gets_one_wrong_bit() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        for direction in ["egress", "ingress"] {
            let it = flood(&pair, family, direction, "payload")?;
            let corrupted = corrupted(&it.ended)?;
            println!(
                "{family:?} {direction}: {corrupted} corrupted, {} rejected",
                it.bad_checksums
            );
            let changed = &it.received.changed;
            ensure!(
                changed.len() as u64 == corrupted,
                "{} changed",
                changed.len()
            );
            ensure!(changed.iter().all(|&bits| bits == 1), "{changed:?}");
            ensure!(it.received.count() == PACKETS, "{}", it.received.count());
            ensure!(it.errors + it.bad_checksums == 0, "{} errors", it.errors);
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_stream_survives_the_wire() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let to = pair.far_address(family);
        let before = Snmp::of(&pair.far)?;
        let probe = Probe::inject(&format!(
            "corrupt 5% --to {to} --netns {} --proto tcp --for 6s",
            pair.near.name
        ))?;
        let cost = stream::transfer(&pair.near, &pair.far, SocketAddr::new(to, 0), 20 << 20)?;
        let ended = probe.finish()?;
        let rejected = Snmp::of(&pair.far)?.growth("TcpInCsumErrors", &before);
        let corrupted = ended.counter("corrupted")?;
        println!("{family:?}: {corrupted} corrupted, {rejected} rejected, {cost:?}");
        ensure!(corrupted > 0 && rejected == corrupted, "{ended:?}");
    }
    Ok(())
}

/// How many were corrupted, if that is a fair share.
fn corrupted(ended: &Ended) -> Result<u64> {
    let (corrupted, fair) = (ended.counter("corrupted")?, interval_999(PACKETS, SHARE));
    ensure!(ended.code() == 0, "{ended:?}");
    ensure!(fair.contains(&corrupted), "{corrupted} is not in {fair:?}");
    Ok(corrupted)
}

fn flood(pair: &Pair, family: Family, way: &str, mode: &str) -> Result<Flood> {
    let (near, far) = (pair.near_address(family), pair.far_address(family));
    let (from, to, target) = match way {
        "egress" => (&pair.near, &pair.far, far),
        _ => (&pair.far, &pair.near, near),
    };
    let receiver = Receiver::new(to, SocketAddr::new(target, 40_210))?;
    // What is decided follows from the seed and the ports.
    let mut sender = Sender::new(from, receiver.address, 40_110, 200)?;
    let before = Snmp::of(to)?;
    let probe = Probe::inject(&format!(
        "corrupt 20% --mode {mode} --seed 5 --to {far} --direction {way} --proto udp --netns {} --for 2s",
        pair.near.name
    ))?;
    sender.send(PACKETS, 10_000)?;
    let received = receiver.finish();
    let ended = probe.finish()?;
    let after = Snmp::of(to)?;
    let udp = match family {
        Family::V4 => "Udp",
        Family::V6 => "Udp6",
    };
    Ok(Flood {
        ended,
        received,
        bad_checksums: after.growth(&format!("{udp}InCsumErrors"), &before),
        errors: after.growth(&format!("{udp}InErrors"), &before),
    })
}
