//! How exactly packets are delayed, and how many of them: UDP packets that carry the time at
//! which they were sent, one way; when they arrive the kernel tells, so that it doesn't matter
//! when somebody reads them.

use std::{
    io::IoSliceMut,
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use nix::{
    cmsg_space,
    sys::{
        signal::Signal,
        socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt},
        time::TimeSpec,
    },
};
use tests::{Family, Pair, Probe, snmp::Snmp, socket};

use crate::{figures::Figures, host, order, report::Section};

/// Delays that are asked for, in milliseconds.
const ASKED: [u32; 4] = [1, 10, 100, 1_000];
/// Packets of one taking, and how far apart they are sent.
const PACKETS: usize = 1_000;
const APART: Duration = Duration::from_millis(2);
/// How long packets are sent as fast as it goes.
const FLOOD: Duration = Duration::from_secs(2);
/// Bytes of each packet.
const LENGTH: usize = 64;

pub(crate) fn measure(rounds: usize) -> Result<Vec<Section>> {
    Ok(vec![accuracy(rounds)?, rate(rounds)?])
}

fn accuracy(rounds: usize) -> Result<Section> {
    let pair = Pair::new()?;
    let mut medians: Vec<_> = ASKED.iter().map(|_| Figures::default()).collect();
    let mut tails = medians.clone();
    let mut worst = medians.clone();
    for round in 0..rounds {
        for place in order::of_round(ASKED.len(), round) {
            let without = one_way(&pair)?.median();
            let asked = ASKED[place];
            let probe = inject(&pair, &format!("delay {asked}ms"))?;
            let with = one_way(&pair)?;
            probe.end(Signal::SIGINT)?;
            let base = without + f64::from(asked) * 1_000.0;
            medians[place].add((with.median() - base).abs());
            tails[place].add(with.quantile(0.99) - base);
            worst[place].add(with.quantile(1.0) - base);
        }
    }
    let row = |place: usize| {
        let mut row = vec![format!("{} ms", ASKED[place])];
        row.extend(medians[place].spread(1));
        row.extend(tails[place].spread(0));
        row.push(format!("{:.0}", worst[place].median()));
        row
    };
    Ok(Section {
        title: "How exactly packets are delayed",
        how: format!(
            "`cargo xtask bench delay`: {PACKETS} UDP packets, one each {} ms, over a veth pair, \
             one way, from when the sender looked at the clock to when the receiver's kernel had \
             it (`SO_TIMESTAMPNS`); {rounds} rounds, the rows taking turns. Error in microseconds: \
             how much longer a packet took than the delay and the median way without probe, \
             measured just before. For the median and the p99 of a \
             round each: least, median and largest of the rounds; then the median of the largest.",
            APART.as_millis()
        ),
        columns: vec![
            "delay", "min p50", "p50", "max p50", "min p99", "p99", "max p99", "largest",
        ],
        rows: (0..ASKED.len()).map(row).collect(),
    })
}

/// Sends stamped packets; how long each took, in microseconds.
fn one_way(pair: &Pair) -> Result<Figures> {
    let (sender, receiver) = ends(pair)?;
    setsockopt(&receiver, sockopt::ReceiveTimestampns, &true).context("asking for time stamps")?;
    receiver.set_read_timeout(Some(Duration::from_secs(3)))?;
    thread::scope(|scope| {
        let receiving = scope.spawn(|| -> Result<Figures> {
            let mut figures = Figures::default();
            for _ in 0..PACKETS {
                figures.add(way_of_next(&receiver)?.as_secs_f64() * 1e6);
            }
            Ok(figures)
        });
        let began = Instant::now();
        for number in 0..PACKETS as u32 {
            thread::sleep((APART * number).saturating_sub(began.elapsed()));
            let mut packet = [0; LENGTH];
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
            packet[..8].copy_from_slice(&(now.as_nanos() as u64).to_be_bytes());
            sender.send(&packet).context("sending")?;
        }
        receiving.join().expect("a receiver that doesn't panic")
    })
}

/// How long the next packet took from the stamp in it to its arrival.
fn way_of_next(receiver: &UdpSocket) -> Result<Duration> {
    let mut packet = [0; LENGTH];
    let mut parts = [IoSliceMut::new(&mut packet)];
    let mut control = cmsg_space!(TimeSpec);
    let flags = MsgFlags::empty();
    let message = recvmsg::<()>(receiver.as_raw_fd(), &mut parts, Some(&mut control), flags)
        .context("receiving")?;
    let arrived = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
        _ => None,
    });
    let arrived = arrived.context("a packet without a time stamp")?;
    let mut stamp = [0; 8];
    stamp.copy_from_slice(&packet[..8]);
    Ok(arrived.saturating_sub(Duration::from_nanos(u64::from_be_bytes(stamp))))
}

fn rate(rounds: usize) -> Result<Section> {
    let settings = [
        ("probe absent", None),
        ("through the line, 1 us", Some("delay 1us")),
        ("through the line, 2 ms", Some("delay 2ms")),
        ("through the line, 10 ms", Some("delay 10ms")),
    ];
    let pair = Pair::new()?;
    let mut rates: Vec<_> = settings.iter().map(|_| Figures::default()).collect();
    let mut sent = rates.clone();
    let mut overflow = rates.clone();
    let mut no_room = rates.clone();
    let mut unexplained = rates.clone();
    for round in 0..rounds {
        for place in order::of_round(settings.len(), round) {
            let probe = settings[place]
                .1
                .map(|fault| inject(&pair, fault))
                .transpose()?;
            let before = Snmp::of(&pair.far)?;
            let flood = flood(&pair)?;
            let lost = Snmp::of(&pair.far)?.growth("UdpRcvbufErrors", &before);
            let dropped = match probe {
                Some(probe) => probe.end(Signal::SIGINT)?.counter("overflow")?,
                None => 0,
            };
            rates[place].add(flood.received as f64 / FLOOD.as_secs_f64());
            sent[place].add(flood.sent as f64 / FLOOD.as_secs_f64());
            overflow[place].add(dropped as f64);
            no_room[place].add(lost as f64);
            let told = flood.received + dropped + lost;
            unexplained[place].add(flood.sent as f64 - told as f64);
        }
    }
    let row = |place: usize| {
        let mut row = vec![settings[place].0.to_owned()];
        row.push(format!("{:.0}", sent[place].median()));
        row.extend(rates[place].spread(0));
        row.push(format!("{:.0}", overflow[place].sum()));
        row.push(format!("{:.0}", no_room[place].sum()));
        row.push(format!("{:.0}", unexplained[place].sum()));
        row
    };
    Ok(Section {
        title: "How many packets can be delayed",
        how: format!(
            "`cargo xtask bench delay`: UDP packets of {LENGTH} bytes from one thread on CPU 0 as \
             fast as it goes for {} s, received on CPU 1; {rounds} rounds, the rows taking turns. \
             Packets a second: sent (median), and received. Then, all rounds together, packets \
             that were dropped and counted as overflow, those that the receiver's socket had no \
             room for (the kernel counts them), and those that nobody counted.",
            FLOOD.as_secs()
        ),
        columns: vec![
            "probe",
            "sent",
            "min",
            "median",
            "max",
            "overflow",
            "socket full",
            "uncounted",
        ],
        rows: (0..settings.len()).map(row).collect(),
    })
}

/// What was sent and what came.
struct Flood {
    sent: u64,
    received: u64,
}

fn flood(pair: &Pair) -> Result<Flood> {
    let (sender, receiver) = ends(pair)?;
    receiver.set_read_timeout(Some(Duration::from_millis(300)))?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let receiving = scope.spawn(|| -> Result<u64> {
            host::pin(1)?;
            let mut packet = [0; LENGTH];
            let (mut received, mut quiet) = (0, 0);
            loop {
                // Asked before it is waited, so that the whole wait was quiet.
                let over = done.load(Ordering::Acquire);
                match receiver.recv(&mut packet) {
                    Ok(_) => (received, quiet) = (received + 1, 0),
                    // Once may only mean that others went before this thread.
                    Err(_) if over && quiet == 2 => return Ok(received),
                    Err(_) => quiet += u32::from(over),
                }
            }
        });
        let sending = scope.spawn(|| -> Result<u64> {
            host::pin(0)?;
            let began = Instant::now();
            let mut sent = 0;
            while began.elapsed() < FLOOD {
                for _ in 0..32 {
                    sender.send(&[7; LENGTH]).context("sending")?;
                    sent += 1;
                }
            }
            Ok(sent)
        });
        let sent = sending.join().expect("a sender that doesn't panic");
        done.store(true, Ordering::Release);
        let received = receiving.join().expect("a receiver that doesn't panic");
        Ok(Flood {
            sent: sent?,
            received: received?,
        })
    })
}

fn ends(pair: &Pair) -> Result<(UdpSocket, UdpSocket)> {
    let at = SocketAddr::new(pair.far_address(Family::V4), 0);
    let receiver = pair.far.within(|| {
        let receiver = UdpSocket::bind(at).context("binding a receiver")?;
        socket::make_room(&receiver)?;
        Ok(receiver)
    })?;
    let to = receiver.local_addr()?;
    let sender = pair.near.within(|| {
        let sender = UdpSocket::bind((pair.near_address(Family::V4), 0))?;
        sender.connect(to).context("connecting a sender")?;
        socket::make_room(&sender)?;
        Ok(sender)
    })?;
    Ok((sender, receiver))
}

fn inject(pair: &Pair, fault: &str) -> Result<Probe> {
    Probe::inject(&format!(
        "{fault} --to {} --netns {} --for 10m",
        pair.far_address(Family::V4),
        pair.near.name
    ))
}
