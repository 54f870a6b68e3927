//! How exactly packets are delayed, and how many of them: numbered UDP packets that carry the
//! time at which they were sent, one way, received by a thread that never sleeps.

use std::{
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tests::{Family, Pair, Probe, socket};

use crate::{figures::Figures, host, report::Section};

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
        let mut order: Vec<_> = (0..ASKED.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for place in order {
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
             one way, sent and received by one thread that never sleeps; {rounds} rounds, the rows \
             taking turns. Error in microseconds: how much longer a packet took than the delay and \
             the median way without probe, measured just before. For the median and the p99 of a \
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
    receiver.set_nonblocking(true)?;
    thread::scope(|scope| {
        let taking = scope.spawn(|| -> Result<Figures> {
            host::pin(0)?;
            let began = Instant::now();
            let mut figures = Figures::default();
            let mut sent = 0;
            let mut received = 0;
            let mut last = Instant::now();
            while received < PACKETS && last.elapsed() < Duration::from_secs(3) {
                if sent < PACKETS && began.elapsed() >= APART * sent as u32 {
                    let mut packet = [0; LENGTH];
                    let now = began.elapsed().as_nanos() as u64;
                    packet[..8].copy_from_slice(&now.to_be_bytes());
                    sender.send(&packet).context("sending")?;
                    sent += 1;
                    last = Instant::now();
                }
                let mut packet = [0; LENGTH];
                match receiver.recv(&mut packet) {
                    Ok(_) => {
                        let now = began.elapsed().as_nanos() as u64;
                        let mut stamp = [0; 8];
                        stamp.copy_from_slice(&packet[..8]);
                        figures.add((now - u64::from_be_bytes(stamp)) as f64 / 1e3);
                        received += 1;
                        last = Instant::now();
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error).context("receiving"),
                }
            }
            Ok(figures)
        });
        taking.join().expect("a taking that doesn't panic")
    })
}

fn rate(rounds: usize) -> Result<Section> {
    let settings = [
        ("probe absent", None),
        ("through the line, 1 us", Some("delay 1us")),
        ("through the line, 10 ms", Some("delay 10ms")),
    ];
    let pair = Pair::new()?;
    let mut rates: Vec<_> = settings.iter().map(|_| Figures::default()).collect();
    let mut sent = rates.clone();
    let mut overflow = rates.clone();
    let mut unexplained = rates.clone();
    for round in 0..rounds {
        let mut order: Vec<_> = (0..settings.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for place in order {
            let probe = settings[place]
                .1
                .map(|fault| inject(&pair, fault))
                .transpose()?;
            let flood = flood(&pair)?;
            let dropped = match probe {
                Some(probe) => probe.end(Signal::SIGINT)?.counter("overflow")?,
                None => 0,
            };
            rates[place].add(flood.received as f64 / FLOOD.as_secs_f64());
            sent[place].add(flood.sent as f64 / FLOOD.as_secs_f64());
            overflow[place].add(dropped as f64);
            unexplained[place].add(flood.sent as f64 - flood.received as f64 - dropped as f64);
        }
    }
    let row = |place: usize| {
        let mut row = vec![settings[place].0.to_owned()];
        row.push(format!("{:.0}", sent[place].median()));
        row.extend(rates[place].spread(0));
        row.push(format!("{:.0}", overflow[place].sum()));
        row.push(format!("{:.0}", unexplained[place].sum()));
        row
    };
    Ok(Section {
        title: "How many packets can be delayed",
        how: format!(
            "`cargo xtask bench delay`: UDP packets of {LENGTH} bytes from one thread on CPU 0 as \
             fast as it goes for {} s, received on CPU 1; {rounds} rounds, the rows taking turns. \
             Packets a second: sent (median), and received. Then, all rounds together, packets \
             that were dropped and counted as overflow, and those that nobody counted.",
            FLOOD.as_secs()
        ),
        columns: vec![
            "probe",
            "sent",
            "min",
            "median",
            "max",
            "overflow",
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
            let mut received = 0;
            loop {
                // Asked before it is waited, so that the whole wait was quiet.
                let over = done.load(Ordering::Acquire);
                match receiver.recv(&mut packet) {
                    Ok(_) => received += 1,
                    Err(_) if over => return Ok(received),
                    Err(_) => {}
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
