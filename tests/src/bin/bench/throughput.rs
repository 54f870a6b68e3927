//! One TCP stream over a wire between two namespaces, by iperf3: with probe absent, touching
//! nothing, and delaying.

mod attached;

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use tests::{Family, Netns, Pair, Probe, patience::LONG, wait_until};

use crate::{figures::Figures, order, report::Section};

/// Seconds a stream lasts.
const SECONDS: &str = "3";

/// Least, first and most bytes of the sockets' buffers. With the usual most, 4 MiB, less than 2 MB
/// can be under way, which at 2 ms is 7 Gbit/s, whoever delays.
const BUFFERS: &str = "4096 131072 33554432";

/// What probe does meanwhile, and what is told of it; nothing where it is absent.
const SETTINGS: [(&str, Option<&str>); 3] = [
    ("probe absent", None),
    ("through the line, 1 us", Some("delay 1us --to 10.88.0.2")),
    ("through the line, 2 ms", Some("delay 2ms --to 10.88.0.2")),
];

/// What came of one setting.
#[derive(Debug, Default)]
struct Taken {
    gbits: Figures,
    delayed: u64,
    overflow: u64,
    errors: u64,
    retransmits: u64,
}

pub(crate) fn measure(rounds: usize) -> Result<Vec<Section>> {
    let mut sections = attached::measure(rounds)?;
    sections.push(delayed(rounds)?);
    Ok(sections)
}

/// Through the line, with as much under way as there may be.
fn delayed(rounds: usize) -> Result<Section> {
    let pair = Pair::new()?;
    for end in [&pair.near, &pair.far] {
        end.within(|| {
            fs::write("/proc/sys/net/ipv4/tcp_wmem", BUFFERS)?;
            Ok(fs::write("/proc/sys/net/ipv4/tcp_rmem", BUFFERS)?)
        })
        .context("making room for what is under way")?;
    }
    let _server = Server::start(&pair.far)?;
    let mut taken: Vec<_> = SETTINGS.iter().map(|_| Taken::default()).collect();
    for round in 0..rounds {
        for place in order::of_round(SETTINGS.len(), round) {
            take(&pair, SETTINGS[place].1, &mut taken[place])?;
        }
    }
    let row = |(name, taken): (&str, &Taken)| {
        let mut row = vec![name.to_owned()];
        row.extend(taken.gbits.spread(2));
        row.extend(
            [
                taken.delayed,
                taken.overflow,
                taken.errors,
                taken.retransmits,
            ]
            .map(|it| it.to_string()),
        );
        row
    };
    let rows = SETTINGS.iter().map(|(name, _)| *name).zip(&taken).map(row);
    Ok(Section {
        title: "One TCP stream",
        how: format!(
            "`cargo xtask bench throughput`: iperf3 for {SECONDS} s over a veth pair between two \
             namespaces whose TCP buffers may grow to 32 MiB, client on CPU 0 and server on CPU 1, {rounds} rounds, the rows taking \
             turns forwards and backwards. Gbit/s as received. Frames of up to 64 KB are one \
             packet here; overflow is what the line had no room for, errors what it could not \
             send on, retransmits the segments that TCP sent again, all rounds together."
        ),
        columns: vec![
            "probe",
            "min",
            "median",
            "max",
            "delayed",
            "overflow",
            "errors",
            "retransmits",
        ],
        rows: rows.collect(),
    })
}

fn take(pair: &Pair, fault: Option<&str>, taken: &mut Taken) -> Result<()> {
    let probe = fault
        .map(|fault| Probe::inject(&format!("{fault} --netns {} --for 10m", pair.near.name)))
        .transpose()?;
    let said = stream(pair, SECONDS)?;
    taken.gbits.add(received(&said)?);
    let sent = &said["end"]["sum_sent"];
    taken.retransmits += sent["retransmits"].as_u64().unwrap_or(0);
    if let Some(probe) = probe {
        let ended = probe.end(Signal::SIGINT)?;
        taken.delayed += ended.counter("delayed")?;
        taken.overflow += ended.counter("overflow")?;
        taken.errors += ended.counter("errors")?;
    }
    Ok(())
}

/// Gbit/s as received.
fn received(said: &Value) -> Result<f64> {
    let bits = said["end"]["sum_received"]["bits_per_second"].as_f64();
    Ok(bits.context("iperf3 tells no throughput")? / 1e9)
}

fn stream(pair: &Pair, seconds: &str) -> Result<Value> {
    let to = pair.far_address(Family::V4).to_string();
    let output = pair.near.within(|| {
        Command::new("iperf3")
            .args(["-c", &to, "-t", seconds, "-J", "-A", "0,1"])
            .output()
            .context("starting iperf3")
    })?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "iperf3: {}: {said}", output.status);
    serde_json::from_str(&said).context("reading what iperf3 says")
}

/// An iperf3 that answers. Ended when dropped.
#[derive(Debug)]
pub(crate) struct Server(Child);

impl Server {
    pub(crate) fn start(netns: &Netns) -> Result<Self> {
        let server = netns.within(|| {
            Command::new("iperf3")
                .arg("-s")
                .stdout(Stdio::null())
                .spawn()
                .context("starting iperf3\nhint: `cargo xtask setup` gets it")
        })?;
        let server = Self(server);
        wait_until("iperf3 to listen", LONG, || {
            let table = netns.within(|| Ok(std::fs::read_to_string("/proc/thread-self/net/tcp6")?));
            // Its port, 5201, in a listening socket's line.
            table.is_ok_and(|table| table.contains(":1451 "))
        })?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
