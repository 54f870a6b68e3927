//! Delay: how long packets wait, that each of them is counted, and that they keep their order.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Family, Netns, Pair, Probe,
    echo::Echo,
    turn::Turn,
    udp::{Receiver, Sender},
};

const ASKED: Duration = Duration::from_millis(100);
const REQUESTS: u16 = 40;
const INTERVAL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a median that is off is measured anew.
const TRIES: u32 = 5;
/// How far a median may be off.
const TOLERANCE: Duration = Duration::from_millis(1);

#[test]
#[ignore = "needs root"]
fn a_round_trip_takes_as_much_longer_as_was_asked() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        for direction in ["egress", "ingress"] {
            let to = pair.far_address(family);
            let options = format!("--direction {direction}");
            check(&pair.near, &to.to_string(), &options, 1)?;
        }
    }
    Ok(())
}

/// Where requests and answers both go to the endpoint, both wait.
#[test]
#[ignore = "needs root"]
fn loopback_is_delayed_too() -> Result<()> {
    let _turn = Turn::together()?;
    let netns = Netns::new("lo")?;
    for (to, crossings) in [("127.0.0.2", 1), ("127.0.0.1", 2), ("::1", 2)] {
        check(&netns, to, "", crossings)?;
    }
    Ok(())
}

/// Holds a delay against an echo client in the same namespace. A machine that is busy for a moment
/// makes everything later: that is tried again, what is counted is not.
fn check(netns: &Netns, to: &str, options: &str, crossings: u32) -> Result<()> {
    for _ in 1..TRIES {
        let off = try_once(netns, to, options, crossings)?;
        if off <= TOLERANCE * crossings {
            return Ok(());
        }
    }
    let off = try_once(netns, to, options, crossings)?;
    ensure!(off <= TOLERANCE * crossings, "off by {off:?}");
    Ok(())
}

/// How far the median is off.
fn try_once(netns: &Netns, to: &str, options: &str, crossings: u32) -> Result<Duration> {
    let mut echo = Echo::new(netns, to.parse()?)?;
    let base = echo.ask(REQUESTS, INTERVAL, PATIENCE)?;
    ensure!(base.lost() == 0, "lost without a fault: {base:?}");
    let probe = Probe::inject(&format!(
        "delay 100ms --to {to} {options} --netns {} --for 2s",
        netns.name
    ))?;
    let slowed = echo.ask(REQUESTS, INTERVAL, PATIENCE)?;
    let ended = probe.finish()?;
    let (median, base) = (slowed.median(), base.median());
    println!("{to} {options}: {base:?} without, {median:?} with");
    ensure!(ended.code() == 0, "{ended:?}");
    ensure!(slowed.lost() == 0, "{} lost", slowed.lost());
    let crossed = slowed.sent * u64::from(crossings);
    ensure!(ended.counter("delayed")? == crossed, "{ended:?}");
    ensure!(ended.counter("overflow")? == 0, "{ended:?}");
    Ok(median.abs_diff(base + ASKED * crossings))
}

#[test]
#[ignore = "needs root"]
fn jitter_stays_in_its_range_and_lets_nothing_overtake() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let within = |from, to| Duration::from_millis(from)..Duration::from_millis(to);
    // Who may not overtake waits for who is ahead, so that few are early. A busy machine may be late
    // with some of them.
    let is_asked = |(least, most): &(Duration, Duration)| {
        within(60, 110).contains(least) && within(115, 142).contains(most)
    };
    for family in Family::BOTH {
        let mut tried = vec![jittered(&pair, family)?];
        while !tried.iter().any(is_asked) && tried.len() < TRIES as usize {
            tried.push(jittered(&pair, family)?);
        }
        ensure!(tried.iter().any(is_asked), "{family:?}: {tried:?}");
    }
    Ok(())
}

/// The least round trip under jitter, and what nine in ten took at most. All wait, and keep their
/// order.
fn jittered(pair: &Pair, family: Family) -> Result<(Duration, Duration)> {
    let to = pair.far_address(family);
    let mut echo = Echo::new(&pair.near, to)?;
    let receiver = Receiver::new(&pair.far, SocketAddr::new(to, 0))?;
    let mut sender = Sender::new(&pair.near, receiver.address, 0, 100)?;
    let probe = Probe::inject(&format!(
        "delay 100ms --jitter 40ms --to {to} --netns {} --for 10m",
        pair.near.name
    ))?;
    let replies = echo.ask(200, Duration::from_millis(5), PATIENCE)?;
    sender.send(1000, 2000)?;
    let numbers = receiver.finish().numbers;
    let ended = probe.end(Signal::SIGINT)?;
    ensure!(ended.counter("delayed")? == 1200, "{ended:?}");
    ensure!(replies.lost() == 0 && replies.in_order, "{replies:?}");
    ensure!(numbers == (0..1000).collect::<Vec<_>>(), "{numbers:?}");
    let mut trips = replies.round_trips;
    trips.sort();
    let (least, most) = (trips[0], trips[trips.len() * 9 / 10]);
    println!("{family:?}: from {least:?}, nine in ten up to {most:?}");
    Ok((least, most))
}
