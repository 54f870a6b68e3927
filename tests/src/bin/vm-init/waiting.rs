//! Packets that wait, by either backend: never too short, in order, whole, and let go at the end.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Ended, Family, Pair, Probe,
    binomial::interval_999,
    echo::Echo,
    snapshot::Snapshot,
    snmp::Snmp,
    stream,
    udp::{Received, Receiver, Sender},
};

use crate::faults::{PATIENCE, counts, end};

/// The backends of this kernel.
const BACKENDS: [&str; 2] = ["userspace", "fq"];
/// By how much a wait may be longer than asked in an emulated machine.
const SLACK: Duration = Duration::from_secs(1);
/// A stall of an emulated machine that is too long for order to be kept.
const STALL: Duration = Duration::from_millis(40);
/// How often a test is tried that a stall may fail.
const TRIES: u32 = 3;
/// UDP packets of one test.
const PACKETS: u64 = 400;
/// How fast they are sent, a second.
const RATE: u64 = 2_000;

/// Runs a test once for each backend.
fn by_each(test: impl Fn(&str) -> Result<()>) -> Result<()> {
    BACKENDS
        .iter()
        .try_for_each(|backend| test(backend).with_context(|| format!("backend {backend}")))
}

/// Arms a fault with a backend, on all packets to the far end.
fn inject(pair: &Pair, family: Family, backend: &str, fault: &str) -> Result<Probe> {
    crate::faults::inject(pair, family, &format!("{fault} --delay-backend {backend}"))
}

/// Ends a fault; it was held by the backend that was asked for.
fn end_by(probe: Probe, backend: &str) -> Result<Ended> {
    let ended = end(probe)?;
    let told = ended.json()?["delay_backend"].clone();
    ensure!(told == backend, "the backend is {told}");
    counts(&ended, "overflow", 0)?;
    counts(&ended, "errors", 0)?;
    Ok(ended)
}

/// Where nothing is said, it is fq, and doctor says so.
pub(crate) fn fq_is_chosen() -> Result<()> {
    let report = Probe::start("doctor -o json")?.finish()?.json()?;
    ensure!(report["delay_backend"] == "fq", "{report}");
    let pair = Pair::new()?;
    let probe = crate::faults::inject(&pair, Family::V4, "delay 10ms")?;
    let devices = pair.near.ip("-d -o link show")?;
    end_by_default(probe)?;
    ensure!(
        devices.contains("probe0") && devices.contains("veth"),
        "{devices}"
    );
    Ok(())
}

fn end_by_default(probe: Probe) -> Result<()> {
    let told = end(probe)?.json()?["delay_backend"].clone();
    ensure!(told == "fq", "the backend is {told}");
    Ok(())
}

/// From 10 ms to a second: no round trip is shorter than asked, none much longer.
pub(crate) fn accuracy() -> Result<()> {
    by_each(|backend| {
        let pair = Pair::new()?;
        for family in Family::BOTH {
            for (asked, way) in [(10, "egress"), (100, "ingress"), (1_000, "egress")] {
                let fault = format!("delay {asked}ms --direction {way}");
                let mut echo = Echo::new(&pair.near, pair.far_address(family))?;
                let probe = inject(&pair, family, backend, &fault)?;
                let replies = echo.ask(20, Duration::from_millis(20), PATIENCE)?;
                let ended = end_by(probe, backend)?;
                ensure!(replies.lost() == 0, "{fault}: {replies:?}");
                let asked = Duration::from_millis(asked);
                let least = replies.round_trips.iter().min().copied();
                let most = replies.round_trips.iter().max().copied();
                // A machine that stalls for longer than packets stay in fq may mix them up.
                let stalled = most > Some(asked + STALL);
                ensure!(replies.in_order || stalled, "{fault}: {replies:?}");
                ensure!(least >= Some(asked), "{fault}: too early: {replies:?}");
                ensure!(replies.median() < asked + SLACK, "{fault}: {replies:?}");
                counts(&ended, "delayed", 20)?;
                let told = ended.json()?["delay_us"].clone();
                let of = |name: &str| told[name].as_u64().unwrap_or_default();
                let asked_us = asked.as_micros() as u64;
                ensure!(of("requested_p50") == asked_us, "{told}");
                ensure!(of("measured_p50") >= asked_us, "{told}");
                println!("{backend} {fault}: {:?}, {told}", replies.median());
            }
        }
        Ok(())
    })
}

/// Request and answer both leave by `lo`: each waits once.
pub(crate) fn loopback() -> Result<()> {
    by_each(|backend| {
        let pair = Pair::new()?;
        let before = Snapshot::of(&pair.near)?;
        for (family, target) in [(Family::V4, "127.0.0.1"), (Family::V6, "[::1]")] {
            let mut echo = Echo::new(&pair.near, family.loopback())?;
            let probe = Probe::inject(&format!(
                "delay 200ms --to {target} --netns {} --for 10m --delay-backend {backend}",
                pair.near.name
            ))?;
            let replies = echo.ask(20, Duration::from_millis(20), PATIENCE)?;
            let ended = end_by(probe, backend)?;
            let least = replies.round_trips.iter().min().copied();
            ensure!(replies.lost() == 0, "{target}: {replies:?}");
            ensure!(least >= Some(Duration::from_millis(400)), "{replies:?}");
            counts(&ended, "delayed", 40)?;
        }
        before.wait_for_return(&pair.near)
    })
}

/// Large frames, unfinished checksums: every byte of a stream arrives as it was sent.
pub(crate) fn bulk() -> Result<()> {
    const BYTES: u64 = 16 << 20;
    by_each(|backend| {
        let pair = Pair::new()?;
        for family in Family::BOTH {
            let to = SocketAddr::new(pair.far_address(family), 0);
            let fault = "delay 60ms --jitter 20ms --direction both";
            let probe = inject(&pair, family, backend, fault)?;
            let cost = stream::transfer(&pair.near, &pair.far, to, BYTES)?;
            let ended = end_by(probe, backend)?;
            let delayed = ended.counter("delayed")?;
            println!("{backend} {family:?}: {cost:?}, {delayed} delayed");
            // Most of it went in frames far larger than the wire's.
            ensure!(delayed < BYTES / 1_448, "{delayed} delayed: cut in pieces");
        }
        Ok(())
    })
}

/// Jitter alone never reorders: not where packets wait for one hop, nor for several.
pub(crate) fn jitter_keeps_the_order() -> Result<()> {
    by_each(|backend| {
        for fault in ["delay 20ms --jitter 20ms", "delay 120ms --jitter 110ms"] {
            let mut overtaken = Vec::new();
            while !overtaken.contains(&0) {
                ensure!(
                    overtaken.len() < TRIES as usize,
                    "{fault}: {overtaken:?} overtook others"
                );
                let (ended, received, _) = send_through(backend, fault)?;
                let count = received.count();
                ensure!(count == PACKETS, "{fault}: {count} came");
                let pairs = received.numbers.windows(2);
                overtaken.push(pairs.filter(|two| two[0] > two[1]).count());
                println!("{backend} {fault}: {}", ended.json()?["delay_us"]);
            }
        }
        Ok(())
    })
}

/// As many are overtaken as were chosen, and none is lost.
pub(crate) fn reorder() -> Result<()> {
    by_each(|backend| {
        let (ended, received, _) = send_through(backend, "reorder 10% --by 60ms")?;
        let chosen = ended.counter("reordered")?;
        let fair = interval_999(PACKETS, 0.1);
        ensure!(fair.contains(&chosen), "{chosen} is not in {fair:?}");
        ensure!(received.count() == PACKETS, "{} came", received.count());
        let late = |(at, number): (usize, &u64)| {
            received.numbers[..at].iter().any(|before| before > number)
        };
        let late = received
            .numbers
            .iter()
            .enumerate()
            .filter(|it| late(*it))
            .count() as u64;
        // Nobody is there to overtake the last.
        ensure!(
            late <= chosen && late * 10 >= chosen * 5,
            "{late} late of {chosen}"
        );
        println!("{backend}: {chosen} chosen, {late} came late");
        Ok(())
    })
}

/// Packets take the time that the rate gives them.
pub(crate) fn rate() -> Result<()> {
    by_each(|backend| {
        let began = Instant::now();
        // 400 packets of 242 bytes: 97 kB, of which 16 go at once.
        let (ended, received, _) = send_through(backend, "rate 800kbit --burst 16kb")?;
        let took = began.elapsed();
        ensure!(received.count() == PACKETS, "{} came", received.count());
        ensure!(took > Duration::from_millis(700), "over after {took:?}");
        ensure!(ended.counter("delayed")? > PACKETS / 2, "{ended:?}");
        println!("{backend}: {took:?}");
        Ok(())
    })
}

/// Corruption on the wire takes the line in user space, whatever else there is.
pub(crate) fn corrupt_beside_fq() -> Result<()> {
    let (ended, received, errors) = send_through("fq", "corrupt 50%")?;
    let corrupted = ended.counter("corrupted")?;
    ensure!(
        errors == corrupted && corrupted > 0,
        "{corrupted}, {errors} refused"
    );
    ensure!(
        received.count() == PACKETS - corrupted,
        "{} came",
        received.count()
    );
    let told = ended.json()?["delay_backend"].clone();
    ensure!(told == "userspace", "the backend is {told}");
    Ok(())
}

/// Waiting packets go on when a fault ends, rather than when they were due.
pub(crate) fn let_go() -> Result<()> {
    by_each(|backend| {
        let pair = Pair::new()?;
        let before = Snapshot::of(&pair.near)?;
        let mut echo = Echo::new(&pair.near, pair.far_address(Family::V4))?;
        let probe = inject(&pair, Family::V4, backend, "delay 30s")?;
        let asking = thread::spawn(move || echo.ask(20, Duration::from_millis(10), PATIENCE));
        thread::sleep(Duration::from_secs(1));
        let began = Instant::now();
        end_by(probe, backend)?;
        let replies = asking.join().expect("an asker that doesn't panic")?;
        ensure!(replies.lost() == 0, "{replies:?}");
        ensure!(
            began.elapsed() < Duration::from_secs(15),
            "{:?}",
            began.elapsed()
        );
        println!("{backend}: let go within {:?}", began.elapsed());
        before.wait_for_return(&pair.near)
    })
}

/// A probe that hangs holds no packet longer than its lease: fq's lane lets go by itself.
pub(crate) fn sigstop_lets_go() -> Result<()> {
    let pair = Pair::new()?;
    let mut echo = Echo::new(&pair.near, pair.far_address(Family::V4))?;
    let probe = inject(&pair, Family::V4, "fq", "delay 30s")?;
    let asking = thread::spawn(move || echo.ask(20, Duration::from_millis(10), PATIENCE));
    thread::sleep(Duration::from_millis(500));
    probe.signal(Signal::SIGSTOP)?;
    let replies = asking.join().expect("an asker that doesn't panic")?;
    probe.signal(Signal::SIGCONT)?;
    end(probe)?;
    ensure!(replies.lost() == 0, "{replies:?}");
    Ok(())
}

/// Two probes on one interface: each delays a packet once.
pub(crate) fn two_add_up() -> Result<()> {
    for (first, second) in [("fq", "fq"), ("fq", "userspace"), ("userspace", "fq")] {
        let pair = Pair::new()?;
        let before = Snapshot::of(&pair.near)?;
        let mut echo = Echo::new(&pair.near, pair.far_address(Family::V4))?;
        let one = inject(&pair, Family::V4, first, "delay 100ms")?;
        let other = inject(&pair, Family::V4, second, "delay 150ms")?;
        let replies = echo.ask(20, Duration::from_millis(20), PATIENCE)?;
        ensure!(replies.lost() == 0, "{first}, {second}: {replies:?}");
        let least = replies.round_trips.iter().min().copied();
        ensure!(
            least >= Some(Duration::from_millis(250)),
            "{first}, {second}: {replies:?}"
        );
        counts(&end_by(one, first)?, "delayed", 20)?;
        counts(&end_by(other, second)?, "delayed", 20)?;
        before.wait_for_return(&pair.near)?;
    }
    Ok(())
}

/// Where the user has fq at the root, that one stays as it is, and no departure time of ours
/// makes it hold a packet again.
pub(crate) fn a_qdisc_of_the_users() -> Result<()> {
    let pair = Pair::new()?;
    pair.near.within(|| {
        let words = ["qdisc", "add", "dev", tests::pair::INTERFACE, "root", "fq"];
        tests::programs::run("tc", &words)
    })?;
    let before = Snapshot::of(&pair.near)?;
    let mut echo = Echo::new(&pair.near, pair.far_address(Family::V4))?;
    let probe = inject(&pair, Family::V4, "fq", "delay 100ms")?;
    let replies = echo.ask(20, Duration::from_millis(20), PATIENCE)?;
    let ended = end_by(probe, "fq")?;
    ensure!(replies.lost() == 0, "{replies:?}");
    let least = replies.round_trips.iter().min().copied();
    ensure!(least >= Some(Duration::from_millis(100)), "{replies:?}");
    counts(&ended, "delayed", 20)?;
    let after = Snapshot::of(&pair.near)?;
    let other: Vec<_> = before.differences(&after);
    ensure!(other.is_empty(), "{other:?}");
    Ok(())
}

/// Sends UDP packets while a fault holds; the last is how many the receiver's stack refused.
fn send_through(backend: &str, fault: &str) -> Result<(Ended, Received, u64)> {
    let pair = Pair::new()?;
    let address = SocketAddr::new(pair.far_address(Family::V4), 9_000);
    let receiver = Receiver::new(&pair.far, address)?;
    let before = Snmp::of(&pair.far)?;
    // What is decided follows from the seed and the ports.
    let mut sender = Sender::new(&pair.near, address, 9_001, 200)?;
    let found = Echo::new(&pair.near, address.ip())?.once(PATIENCE)?;
    ensure!(found.is_some(), "no way to the far end");
    let fault = format!("{fault} --proto udp --seed 7");
    let probe = inject(&pair, Family::V4, backend, &fault)?;
    sender.send(PACKETS, RATE)?;
    let received = receiver.finish();
    let errors = Snmp::of(&pair.far)?.growth("UdpInErrors", &before);
    Ok((end(probe)?, received, errors))
}
