//! Loss: as many packets vanish as chance allows, nobody is told, and every one is accounted for.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use tests::{
    Ended, Family, Pair, Probe,
    binomial::interval_999,
    snmp::Snmp,
    turn::Turn,
    udp::{Receiver, Sender},
};

const PACKETS: u64 = 10_000;
const PER_SECOND: u64 = 40_000;
/// So that a flow has the same five words each time.
const FROM: u16 = 40_100;
const TO: u16 = 40_200;

#[test]
#[ignore = "needs root"]
fn thirty_percent_are_thirty_percent_and_nobody_is_told() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let fair = interval_999(PACKETS, 0.3);
    for family in Family::BOTH {
        for direction in ["egress", "ingress"] {
            // Whose packets vanish on ingress is who is at the far end.
            let (ended, numbers) = flood(&pair, family, direction, "loss 30%")?;
            let dropped = ended.counter("dropped")?;
            println!("{family:?} {direction}: {dropped} of {PACKETS} dropped, fair {fair:?}");
            ensure!(ended.code() == 0, "{ended:?}");
            ensure!(fair.contains(&dropped), "{dropped} is not in {fair:?}");
            ensure!(ended.counter("matched")? == PACKETS, "{ended:?}");
            let sum = ended.counter("matched")? + ended.counter("protected")?;
            ensure!(ended.counter("seen")? == sum, "{ended:?}");
            ensure!(ended.counter("passed")? == PACKETS - dropped, "{ended:?}");
            ensure!(
                numbers.len() as u64 == PACKETS - dropped,
                "{}",
                numbers.len()
            );
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_seed_decides_alike_each_time_and_another_one_otherwise() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let survivors = |seed: u64| {
            let (_, numbers) = flood(&pair, family, "egress", &format!("loss 30% --seed {seed}"))?;
            anyhow::Ok(numbers)
        };
        let first = survivors(7)?;
        ensure!(
            first == survivors(7)?,
            "{family:?}: the same seed decided otherwise"
        );
        ensure!(
            first != survivors(8)?,
            "{family:?}: another seed decided alike"
        );
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn all_is_all_and_none_is_refused() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let (ended, numbers) = flood(&pair, Family::V4, "egress", "loss 100%")?;
    ensure!(numbers.is_empty(), "{} came", numbers.len());
    ensure!(ended.counter("dropped")? == PACKETS, "{ended:?}");
    let netns = &pair.near.name;
    let refused = Probe::start(&format!("inject loss 0% --to 10.88.0.2 --netns {netns}"))?;
    let refused = refused.finish()?;
    ensure!(refused.code() == 2, "{refused:?}");
    ensure!(refused.stderr.contains("hint:"), "{refused:?}");
    Ok(())
}

/// Sends packets through a fault in the namespace `near`; tells which ones came.
fn flood(pair: &Pair, family: Family, way: &str, fault: &str) -> Result<(Ended, Vec<u64>)> {
    let (near, far) = (pair.near_address(family), pair.far_address(family));
    let (from, to, target) = match way {
        "egress" => (&pair.near, &pair.far, far),
        _ => (&pair.far, &pair.near, near),
    };
    let receiver = Receiver::new(to, SocketAddr::new(target, TO))?;
    let mut sender = Sender::new(from, receiver.address, FROM, 100)?;
    let before = Snmp::of(to)?;
    let probe = Probe::inject(&format!(
        "{fault} --to {far} --direction {way} --proto udp --netns {} --for 2s",
        pair.near.name
    ))?;
    sender.send(PACKETS, PER_SECOND)?;
    let received = receiver.finish();
    let ended = probe.finish()?;
    let no_room = Snmp::of(to)?.growth(&format!("{}RcvbufErrors", udp(family)), &before);
    ensure!(no_room == 0, "the receiver had no room for {no_room}");
    ensure!(
        received.changed.is_empty(),
        "{} changed",
        received.changed.len()
    );
    Ok((ended, received.numbers))
}

fn udp(family: Family) -> &'static str {
    match family {
        Family::V4 => "Udp",
        Family::V6 => "Udp6",
    }
}
