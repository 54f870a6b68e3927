//! The same faults by probe and by netem, side by side on this kernel: rows of a table, each on
//! a line of its own that begins with `row`. In an emulated machine the clock of sender and
//! receiver stalls now and then, for whoever delays packets.

mod traffic;

use anyhow::{Result, ensure};
use tests::{Family, Pair, distribution::Distribution, pair::INTERFACE, programs::run};

use crate::faults::{end, inject};
use traffic::{Arrivals, Flows, one_way};

/// Packets of a sample of waits.
const SAMPLE: u64 = 1_000;
/// How fast those are sent, a second.
const SAMPLE_RATE: u64 = 500;
/// Packets of which some are lost, or the like.
const PACKETS: u64 = 10_000;
/// How fast those are sent, a second.
const RATE: u64 = 4_000;

/// Who injects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// probe, with a delay backend.
    Probe(&'static str),
    Netem,
}

/// Draws are the same where packets wait elsewhere: it is asked only how exactly they wait.
const OTHER: By = By::Probe("userspace");

impl By {
    const ALL: [Self; 3] = [Self::Probe("fq"), OTHER, Self::Netem];

    /// What comes through while a fault holds, in probe's words and in netem's.
    fn send(self, words: [&str; 2], flows: Flows, count: u64, per_second: u64) -> Result<Arrivals> {
        let pair = Pair::new()?;
        pair.know_each_other()?;
        match self {
            Self::Probe(backend) => {
                let fault = format!("{} --delay-backend {backend} --seed 7", words[0]);
                let probe = inject(&pair, Family::V4, &fault)?;
                let arrivals = one_way(&pair, flows, count, per_second)?;
                end(probe)?;
                Ok(arrivals)
            }
            Self::Netem => {
                let command = format!(
                    "qdisc add dev {INTERFACE} root netem limit 100000 {}",
                    words[1]
                );
                let command: Vec<_> = command.split_whitespace().collect();
                pair.near.within(|| run("tc", &command))?;
                one_way(&pair, flows, count, per_second)
            }
        }
    }
}

/// Measures everything.
pub(crate) fn all() -> Result<()> {
    let pair = Pair::new()?;
    let base = quantile(&mut one_way(&pair, Flows::One, 500, 500)?.took, 0.5);
    row("one way without a fault, median, µs", "", |_| {
        Ok(format!("{:.0}", base * 1e3))
    })?;
    delays(base)?;
    jitter(base)?;
    counts()
}

/// Prints a row; `cell` gives what each made of it.
fn row(what: &str, asked: &str, cell: impl Fn(By) -> Result<String>) -> Result<()> {
    let cells: Result<Vec<_>> = By::ALL.into_iter().map(cell).collect();
    println!("row {what} | {asked} | {}", cells?.join(" | "));
    Ok(())
}

fn delays(base: f64) -> Result<()> {
    for asked in [10, 100, 1_000] {
        let words = format!("delay {asked}ms");
        row(
            &format!("{words}: error of median, of p99, µs"),
            "0",
            |by| {
                let mut took = by.send([&words, &words], Flows::One, 500, 500)?.took;
                ensure!(took.len() == 500, "{words}: {} came", took.len());
                let error = |took: f64| (took - base - f64::from(asked)) * 1e3;
                let (p50, p99) = (quantile(&mut took, 0.5), quantile(&mut took, 0.99));
                Ok(format!("{:.0}, {:.0}", error(p50), error(p99)))
            },
        )?;
    }
    Ok(())
}

/// Each packet is of another flow, because probe keeps the order of a flow under jitter.
fn jitter(base: f64) -> Result<()> {
    // So long that what the machine stalls for is little beside it.
    const DELAY: f64 = 3_000.0;
    const JITTER: f64 = 600.0;
    for of in Distribution::ALL {
        let probes = format!("delay 3s --jitter 600ms --distribution {}", of.name());
        // Uniform is what netem does where nothing is said.
        let netems = match of {
            Distribution::Uniform => "delay 3s 600ms".to_owned(),
            _ => format!("delay 3s 600ms distribution {}", of.name()),
        };
        row(
            &format!("delay 3s, jitter 600ms, {}: K-S distance, p", of.name()),
            "0, > 0.01",
            |by| {
                if by == OTHER {
                    return Ok("–".to_owned());
                }
                let sent = by.send([&probes, &netems], Flows::Each, SAMPLE, SAMPLE_RATE)?;
                ensure!(sent.took.len() as u64 == SAMPLE, "{} came", sent.took.len());
                let unit = |took: &f64| (took - base - DELAY) / JITTER;
                let mut sample: Vec<_> = sent.took.iter().map(unit).collect();
                let (distance, chance) = of.distance(&mut sample);
                Ok(format!("{distance:.4}, {chance:.3}"))
            },
        )?;
    }
    Ok(())
}

fn counts() -> Result<()> {
    const SHARE: u64 = 10;
    for kind in &["loss", "duplicate", "corrupt", "reorder"] {
        let (probes, netems) = match *kind {
            // netem delays the others, and sends those chosen at once.
            "reorder" => (
                format!("reorder {SHARE}% --by 20ms"),
                format!("delay 20ms reorder {SHARE}%"),
            ),
            _ => (format!("{kind} {SHARE}%"), format!("{kind} {SHARE}%")),
        };
        let expected = PACKETS * SHARE / 100;
        row(
            &format!("{kind} {SHARE} %, of {PACKETS} packets"),
            &expected.to_string(),
            |by| {
                if by == OTHER {
                    return Ok("–".to_owned());
                }
                let came = by.send([&probes, &netems], Flows::One, PACKETS, RATE)?;
                let arrived = came.numbers.len() as u64;
                Ok(match *kind {
                    "duplicate" => (arrived - PACKETS.min(arrived)).to_string(),
                    "reorder" => came.displaced().to_string(),
                    _ => (PACKETS - arrived).to_string(),
                })
            },
        )?;
    }
    Ok(())
}

/// The smallest that the share of all is no larger than.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}
