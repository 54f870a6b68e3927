//! The delay line under load: what it doesn't carry it counts. How fast it is, a benchmark tells.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sched::{CpuSet, sched_setaffinity},
    sys::signal::Signal,
    unistd::Pid,
};
use probe_common::line::{queue_length, slots_per_cpu};
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

/// A thread that is kept from reading while a flood uses up every slot: what waits in the queue
/// keeps its own due times, and so its place.
#[test]
#[ignore = "needs root"]
fn a_flood_while_nobody_reads_costs_no_waiting_packet_its_place() -> Result<()> {
    // Frozen for longer than 600 ms, probe has no more faults: on a busy host it is tried again.
    for _ in 0..10 {
        if flood_while_frozen()? < Duration::from_millis(500) {
            return Ok(());
        }
    }
    bail!("this host is too busy to send a flood within half a second")
}

/// How long it took; nothing is looked at where that is too long.
fn flood_while_frozen() -> Result<Duration> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let to = pair.far_address(Family::V4);
    let receiver = Receiver::new(&pair.far, SocketAddr::new(to, 0))?;
    let sender = Sender::new(&pair.near, receiver.address, 0, 64)?;
    // Every slot that the sender's processor has, and half of the queue once more.
    let slots = slots_per_cpu(aya::util::nr_cpus().map_or(1, |cpus| cpus as u32));
    let packets = u64::from(slots + queue_length(slots) / 2);
    let probe = Probe::inject(&format!(
        "delay 50ms --to {to} --proto udp --netns {} --for 4s --delay-backend userspace",
        pair.near.name
    ))?;
    let began = Instant::now();
    probe.signal(Signal::SIGSTOP)?;
    let sent = send_from_one_processor(sender, packets);
    probe.signal(Signal::SIGCONT)?;
    let took = began.elapsed();
    sent?;
    let received = receiver.finish();
    let ended = probe.end(Signal::SIGINT)?;
    if took < Duration::from_millis(500) {
        let (count, overflow) = (received.count(), ended.counter("overflow")?);
        println!("{count} of {packets} came, {overflow} overflowed, frozen for {took:?}");
        ensure!(count > 0 && count + overflow == packets, "{ended:?}");
        in_order(&received.numbers).with_context(|| format!("{ended:?}"))?;
    }
    Ok(took)
}

fn send_from_one_processor(mut sender: Sender, packets: u64) -> Result<()> {
    let sending = std::thread::spawn(move || {
        let mut first = CpuSet::new();
        first.set(0)?;
        sched_setaffinity(Pid::from_raw(0), &first)?;
        sender.send(packets, u64::MAX)
    });
    sending.join().expect("a sender that doesn't panic")
}

/// That each packet came behind those that were sent before it.
fn in_order(numbers: &[u64]) -> Result<()> {
    let overtaken = numbers.windows(2).filter(|two| two[0] > two[1]);
    let overtaken: Vec<_> = overtaken.collect();
    ensure!(
        overtaken.is_empty(),
        "{} were overtaken by others, the first of them {:?}",
        overtaken.len(),
        &overtaken[..overtaken.len().min(8)]
    );
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
            "delay 50ms --to {to} --proto udp --netns {} --for 60s",
            pair.near.name
        ))?;
        // As fast as it can.
        sender.send(PACKETS, u64::MAX)?;
        let received = receiver.finish();
        let ended = probe.end(Signal::SIGINT)?;
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
        in_order(&received.numbers).with_context(|| format!("{ended:?}"))?;
    }
    Ok(())
}
