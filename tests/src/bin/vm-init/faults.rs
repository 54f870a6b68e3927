//! Each fault once, counted exactly.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Ended, Family, Pair, Probe,
    binomial::interval_999,
    echo::Echo,
    snmp::Snmp,
    udp::{Received, Receiver, Sender},
};

/// Long enough for anything to come back in an emulated machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How far apart echo requests are sent.
const INTERVAL: Duration = Duration::from_millis(50);
/// How many of them.
const REQUESTS: u16 = 20;
/// How many UDP packets.
const PACKETS: u64 = 400;
/// How fast those are sent, a second.
const RATE: u64 = 2_000;

/// Arms one fault on all packets to the far end.
pub(crate) fn inject(pair: &Pair, family: Family, fault: &str) -> Result<Probe> {
    Probe::inject(&format!(
        "{fault} --to {} --netns {} --for 10m",
        match pair.far_address(family) {
            std::net::IpAddr::V6(address) => format!("[{address}]"),
            address => address.to_string(),
        },
        pair.near.name
    ))
}

/// Ends a fault as Ctrl-C does.
pub(crate) fn end(probe: Probe) -> Result<Ended> {
    let ended = probe.end(Signal::SIGINT)?;
    ensure!(ended.code() == 3, "exit code {}: {ended:?}", ended.code());
    Ok(ended)
}

/// Fails unless a counter has the value.
pub(crate) fn counts(ended: &Ended, name: &str, expected: u64) -> Result<()> {
    let counted = ended.counter(name)?;
    ensure!(
        counted == expected,
        "{name} is {counted}, not {expected}: {}",
        ended.stdout
    );
    Ok(())
}

pub(crate) fn delay_v4() -> Result<()> {
    delay(Family::V4)
}

pub(crate) fn delay_v6() -> Result<()> {
    delay(Family::V6)
}

/// No round trip is shorter than the delay, none is lost, and each is counted once.
fn delay(family: Family) -> Result<()> {
    const DELAY: Duration = Duration::from_millis(300);
    let pair = Pair::new()?;
    let mut echo = Echo::new(&pair.near, pair.far_address(family))?;
    let before = echo.ask(REQUESTS, INTERVAL, PATIENCE)?;
    ensure!(before.lost() == 0, "lost before: {before:?}");
    let probe = inject(&pair, family, "delay 300ms")?;
    let during = echo.ask(REQUESTS, INTERVAL, PATIENCE)?;
    let ended = end(probe)?;
    let after = echo.ask(REQUESTS, INTERVAL, PATIENCE)?;
    ensure!(during.lost() + after.lost() == 0, "{during:?} {after:?}");
    let least = during.round_trips.iter().min().copied();
    ensure!(least >= Some(DELAY), "too early: {during:?}");
    ensure!(after.median() < DELAY, "still delayed: {after:?}");
    // Neighbours may ask for each other's addresses, which are packets of other protocols.
    counts(&ended, "matched", REQUESTS.into())?;
    counts(&ended, "delayed", REQUESTS.into())?;
    counts(&ended, "overflow", 0)?;
    println!(
        "round trips: {:?} before, {:?} with 300 ms, {:?} after",
        before.median(),
        during.median(),
        after.median()
    );
    Ok(())
}

/// Request and answer both leave by `lo`: each waits once.
pub(crate) fn delay_on_loopback() -> Result<()> {
    const TWICE: Duration = Duration::from_millis(400);
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let target = match family {
            Family::V4 => "127.0.0.1",
            Family::V6 => "[::1]",
        };
        let mut echo = Echo::new(&pair.near, family.loopback())?;
        let probe = Probe::inject(&format!(
            "delay 200ms --to {target} --netns {} --for 10m",
            pair.near.name
        ))?;
        let during = echo.ask(REQUESTS, INTERVAL, PATIENCE)?;
        let ended = end(probe)?;
        ensure!(during.lost() == 0, "{target}: {during:?}");
        let least = during.round_trips.iter().min().copied();
        ensure!(least >= Some(TWICE), "{target}: too early: {during:?}");
        counts(&ended, "delayed", 2 * u64::from(REQUESTS))?;
    }
    Ok(())
}

/// Nothing comes through, and the sender is not told.
pub(crate) fn loss_of_all() -> Result<()> {
    let pair = Pair::new()?;
    let mut echo = Echo::new(&pair.near, pair.far_address(Family::V4))?;
    let probe = inject(&pair, Family::V4, "loss 100%")?;
    let during = echo.ask(REQUESTS, INTERVAL, Duration::from_secs(1))?;
    let ended = end(probe)?;
    ensure!(during.round_trips.is_empty(), "came through: {during:?}");
    counts(&ended, "dropped", REQUESTS.into())?;
    let after = echo.ask(REQUESTS, INTERVAL, PATIENCE)?;
    ensure!(after.lost() == 0, "still lost: {after:?}");
    Ok(())
}

pub(crate) fn loss_of_half_v4() -> Result<()> {
    loss_of_half(Family::V4)
}

pub(crate) fn loss_of_half_v6() -> Result<()> {
    loss_of_half(Family::V6)
}

/// As many are lost as the odds allow, and those are counted exactly.
fn loss_of_half(family: Family) -> Result<()> {
    let (ended, received, _) = send_through(family, "loss 50%")?;
    let dropped = ended.counter("dropped")?;
    counts(&ended, "matched", PACKETS)?;
    counts(&ended, "passed", PACKETS - dropped)?;
    ensure!(
        dropped + received.count() == PACKETS,
        "{dropped} dropped, {} came",
        received.count()
    );
    let fair = interval_999(PACKETS, 0.5);
    ensure!(fair.contains(&dropped), "{dropped} is not in {fair:?}");
    println!("dropped {dropped} of {PACKETS}: {fair:?} are fair");
    Ok(())
}

/// The receiver's stack refuses each packet that was changed, and only those.
pub(crate) fn corrupt_wire() -> Result<()> {
    let (ended, received, errors) = send_through(Family::V4, "corrupt 50%")?;
    let corrupted = ended.counter("corrupted")?;
    ensure!(
        errors == corrupted && corrupted > 0,
        "{corrupted} corrupted, {errors} refused"
    );
    ensure!(
        received.changed.is_empty() && received.count() == PACKETS - corrupted,
        "{corrupted} corrupted, {} came, {} of them changed",
        received.count(),
        received.changed.len()
    );
    Ok(())
}

/// The application gets each packet that was changed, in one bit.
pub(crate) fn corrupt_payload() -> Result<()> {
    let (ended, received, errors) = send_through(Family::V4, "corrupt 50% --mode payload")?;
    let corrupted = ended.counter("corrupted")?;
    ensure!(errors == 0, "{errors} refused");
    ensure!(
        received.changed.len() as u64 == corrupted && corrupted > 0,
        "{corrupted} corrupted, {} came changed",
        received.changed.len()
    );
    ensure!(received.changed.iter().all(|&bits| bits == 1));
    ensure!(received.count() == PACKETS);
    Ok(())
}

/// Bursts begin and end with each packet: lost is every other, but for chance.
pub(crate) fn loss_in_bursts() -> Result<()> {
    let (ended, received, _) = send_through(Family::V4, "loss --gilbert-elliott 50%,50%")?;
    let dropped = ended.counter("dropped")?;
    let fair = interval_999(PACKETS, 0.5);
    ensure!(fair.contains(&dropped), "{dropped} is not in {fair:?}");
    ensure!(dropped + received.count() == PACKETS);
    counts(&ended, "passed", PACKETS - dropped)
}

/// Each packet that was counted comes twice.
pub(crate) fn duplicate() -> Result<()> {
    let (ended, received, _) = send_through(Family::V6, "duplicate 50%")?;
    let duplicated = ended.counter("duplicated")?;
    let fair = interval_999(PACKETS, 0.5);
    ensure!(fair.contains(&duplicated), "{duplicated} not in {fair:?}");
    ensure!(received.count() == PACKETS + duplicated, "{duplicated}");
    counts(&ended, "passed", PACKETS - duplicated)
}

/// All come, and not in the order they were sent in.
pub(crate) fn reorder() -> Result<()> {
    let (ended, received, _) = send_through(Family::V4, "reorder 20% --by 50ms")?;
    let reordered = ended.counter("reordered")?;
    let fair = interval_999(PACKETS, 0.2);
    ensure!(fair.contains(&reordered), "{reordered} not in {fair:?}");
    ensure!(received.count() == PACKETS, "{} came", received.count());
    ensure!(!received.numbers.is_sorted(), "in order");
    counts(&ended, "passed", PACKETS - reordered)
}

/// What exceeds the rate waits, and comes.
pub(crate) fn rate() -> Result<()> {
    let (ended, received, _) = send_through(Family::V4, "rate 1mbit")?;
    ensure!(received.count() == PACKETS, "{} came", received.count());
    let delayed = ended.counter("delayed")?;
    ensure!(delayed > 0, "none waited");
    counts(&ended, "passed", PACKETS - delayed)
}

/// Nothing comes through in either direction, whoever sends.
pub(crate) fn partition() -> Result<()> {
    let pair = Pair::new()?;
    let mut near = Echo::new(&pair.near, pair.far_address(Family::V4))?;
    let mut far = Echo::new(&pair.far, pair.near_address(Family::V4))?;
    let probe = inject(&pair, Family::V4, "partition")?;
    for echo in [&mut near, &mut far] {
        let during = echo.ask(REQUESTS, INTERVAL, Duration::from_secs(1))?;
        ensure!(during.round_trips.is_empty(), "came through: {during:?}");
    }
    counts(&end(probe)?, "dropped", 2 * u64::from(REQUESTS))?;
    ensure!(near.once(PATIENCE)?.is_some(), "still apart");
    Ok(())
}

/// Sends UDP packets while a fault holds; the last is how many the receiver's stack refused.
fn send_through(family: Family, fault: &str) -> Result<(Ended, Received, u64)> {
    let pair = Pair::new()?;
    let address = SocketAddr::new(pair.far_address(family), 9_000);
    let receiver = Receiver::new(&pair.far, address)?;
    let before = Snmp::of(&pair.far)?;
    // What is decided follows from the seed and the ports.
    let mut sender = Sender::new(&pair.near, address, 9_001, 200)?;
    // Neighbours find each other before anything is counted.
    let found = Echo::new(&pair.near, address.ip())?.once(PATIENCE)?;
    ensure!(found.is_some(), "no way to the far end");
    let probe = inject(&pair, family, &format!("{fault} --proto udp --seed 7"))?;
    sender.send(PACKETS, RATE)?;
    let received = receiver.finish();
    let errors = Snmp::of(&pair.far)?.growth("UdpInErrors", &before);
    Ok((end(probe)?, received, errors))
}
