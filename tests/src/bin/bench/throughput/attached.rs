//! What it costs one TCP stream that probe is there and touches nothing: short streams in pairs,
//! and what the kernel says that the programs took meanwhile.
//!
//! The streams differ among themselves by far more than the programs take. So there are many, each
//! is compared with the one without probe of the same turn, and a second row without probe tells
//! how far apart two are that differ in nothing.

use std::{process::Command, time::Instant};

use anyhow::{Context, Result, ensure};
use aya::{
    programs::loaded_programs,
    sys::{Stats, enable_stats},
};
use nix::sys::signal::Signal;
use probe_common::names::program;
use tests::{
    Netns, Pair, Probe,
    bpf::{Kind, Object},
    pair::INTERFACE,
};

use super::{Server, received, stream};
use crate::{figures::Figures, order, report::Section};

/// Seconds a stream lasts.
const SECONDS: &str = "1";
/// Turns that make a round.
const TURNS: usize = 4;

const NOTHING_MATCHES: &str = "loss 5% --to 10.88.0.77";

/// What probe does meanwhile; nothing where it is absent.
const SETTINGS: [(&str, Option<&str>); 4] = [
    ("probe absent", None),
    ("probe absent, once more", None),
    ("attached, matching nothing", Some(NOTHING_MATCHES)),
    (
        "matching, touching nothing",
        Some("loss 0.0000001% --to 10.88.0.2"),
    ),
];

pub(super) fn measure(rounds: usize) -> Result<Vec<Section>> {
    let pair = Pair::new()?;
    keep_in_order(&pair)?;
    let _server = Server::start(&pair.far)?;
    Ok(vec![
        in_pairs(&pair, rounds * TURNS)?,
        by_the_kernel(&pair, rounds)?,
    ])
}

/// Has what comes in at either end handled on the processor of who reads it. Otherwise whichever
/// processor sent a frame handles it, two do for one stream, and TCP takes the frames that overtake
/// each other for lost ones.
fn keep_in_order(pair: &Pair) -> Result<()> {
    for (end, processors) in [(&pair.near, "1"), (&pair.far, "2")] {
        let file = format!("/sys/class/net/{INTERFACE}/queues/rx-0/rps_cpus");
        // `ip` mounts that namespace's own /sys.
        let command = format!("echo {processors} > {file}");
        let steered = Command::new("ip")
            .args(["netns", "exec", &end.name, "sh", "-c", &command])
            .status()
            .context("starting ip")?;
        ensure!(steered.success(), "writing {file}: {steered}");
    }
    Ok(())
}

fn in_pairs(pair: &Pair, turns: usize) -> Result<Section> {
    let mut gbits: Vec<_> = SETTINGS.iter().map(|_| Figures::default()).collect();
    let mut against = gbits.clone();
    // What a stream of its own warms up: the first is slower than any other.
    take(pair, None)?;
    for turn in 0..turns {
        let mut taken = [0.0; SETTINGS.len()];
        for place in order::of_round(SETTINGS.len(), turn) {
            taken[place] = take(pair, SETTINGS[place].1)?;
        }
        for (place, &figure) in taken.iter().enumerate() {
            gbits[place].add(figure);
            against[place].add((figure / taken[0] - 1.0) * 100.0);
        }
    }
    let row = |place: usize| {
        let mut row = vec![SETTINGS[place].0.to_owned()];
        row.extend(gbits[place].spread(2));
        row.extend([0.25, 0.5, 0.75].map(|share| match place {
            0 => "–".to_owned(),
            _ => format!("{:+.1}", against[place].quantile(share)),
        }));
        row
    };
    Ok(Section {
        title: "One TCP stream, in pairs",
        how: format!(
            "`cargo xtask bench throughput`: iperf3 for {SECONDS} s over a veth pair between two \
             namespaces, client and what it receives on CPU 0, server and what it receives on CPU \
             1, {turns} turns, every other one backwards. Gbit/s as received; then the percentages \
             by which a stream differs from the one without probe of its turn, quartiles and \
             median. The second row tells how far two differ that are alike."
        ),
        columns: vec![
            "probe", "min", "median", "max", "lower %", "median %", "upper %",
        ],
        rows: (0..SETTINGS.len()).map(row).collect(),
    })
}

fn take(pair: &Pair, fault: Option<&str>) -> Result<f64> {
    let probe = fault.map(|fault| armed(&pair.near, fault)).transpose()?;
    let gbits = received(&stream(pair, SECONDS)?)?;
    if let Some(probe) = probe {
        probe.end(Signal::SIGINT)?;
    }
    Ok(gbits)
}

fn armed(netns: &Netns, fault: &str) -> Result<Probe> {
    Probe::inject(&format!("{fault} --netns {} --for 10m", netns.name))
}

/// What the kernel counts of the injector's programs, both ways together.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    runs: u64,
    ns: u64,
}

fn by_the_kernel(pair: &Pair, rounds: usize) -> Result<Section> {
    let mut rows = Vec::new();
    for (name, fault) in SETTINGS {
        let Some(fault) = fault else { continue };
        let [mut each, mut runs, mut share] = [(); 3].map(|()| Figures::default());
        for _ in 0..rounds {
            let probe = armed(&pair.near, fault)?;
            let _counting = enable_stats(Stats::RunTime).context("having programs clocked")?;
            let (before, began) = (spent(&probe)?, Instant::now());
            stream(pair, SECONDS)?;
            let (after, took) = (spent(&probe)?, began.elapsed().as_secs_f64());
            let (count, ns) = (after.runs - before.runs, after.ns - before.ns);
            each.add(ns as f64 / count.max(1) as f64);
            runs.add(count as f64 / took);
            share.add(ns as f64 / took / 1e7);
            probe.end(Signal::SIGINT)?;
        }
        let mut row = vec![name.to_owned()];
        row.extend(each.spread(0));
        row.push(format!("{:.0}", runs.median()));
        row.push(format!("{:.2}", share.median()));
        rows.push(row);
    }
    Ok(Section {
        title: "What the programs take of a TCP stream",
        how: format!(
            "`cargo xtask bench throughput`: the kernel's own clock around each run of the \
             programs on both ways (`BPF_ENABLE_STATS`, itself some 20 ns of each) during such a \
             stream, {rounds} rounds. Nanoseconds a run: least, median and largest of the rounds; \
             runs a second; percentage of one processor."
        ),
        columns: vec!["probe", "min", "median", "max", "runs", "% of a CPU"],
        rows,
    })
}

fn spent(probe: &Probe) -> Result<Spent> {
    let held = probe.objects()?;
    let mut spent = Spent::default();
    for info in loaded_programs() {
        // One that went while they were listed is none of ours.
        let Ok(info) = info else { continue };
        let is_held = held.contains(&Object {
            kind: Kind::Program,
            id: info.id(),
        });
        let name = String::from_utf8_lossy(info.name());
        let is_injector = [program::TC_EGRESS, program::TC_INGRESS]
            .iter()
            .any(|known| known.starts_with(&*name));
        if is_held && is_injector {
            spent.runs += info.run_count();
            spent.ns += info.run_time().as_nanos() as u64;
        }
    }
    Ok(spent)
}
