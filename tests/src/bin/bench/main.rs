//! Measures what probe costs and how well it keeps time, on this machine as it is now. Prints
//! tables, and with `--write` puts them into docs/performance.md. It judges nothing: a figure
//! is of one machine and one hour.

mod datapath;
mod delay;
mod figures;
mod host;
mod latency;
mod order;
mod report;
mod round_trips;
mod served;
mod throughput;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use report::Section;
use tests::{priority::favour_nobody, turn::Turn};

/// Measure what probe costs.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// What to measure; everything where nothing is named
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// How many times each figure is taken
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Put the tables into docs/performance.md
    #[arg(long)]
    write: bool,
}

/// Something to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Nanoseconds of the programs on a packet, each by itself
    Datapath,
    /// Gbit/s of one TCP stream
    Throughput,
    /// Microseconds of a TCP round trip
    Latency,
    /// How exactly packets are delayed, and how many
    Delay,
    /// The same round trips, and nginx under wrk, while `probe observe` watches; what it takes itself
    Observe,
}

impl Part {
    fn measure(self, rounds: usize) -> Result<Vec<Section>> {
        match self {
            Self::Datapath => datapath::measure(rounds),
            Self::Throughput => throughput::measure(rounds),
            Self::Latency => latency::measure(rounds),
            Self::Delay => delay::measure(rounds),
            Self::Observe => {
                let mut sections = latency::measure_observed(rounds)?;
                sections.extend(served::measure(rounds)?);
                Ok(sections)
            }
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let parts = match arguments.parts.as_slice() {
        [] => Part::value_variants(),
        named => named,
    };
    // Elsewhere on the host, somebody's test of `probe stop` would end what is measured here.
    let _turn = Turn::together()?;
    favour_nobody();
    let mut sections = Vec::new();
    for part in parts {
        eprintln!("measuring {part:?}, {} rounds", arguments.rounds);
        let measured = part.measure(arguments.rounds)?;
        for section in &measured {
            println!("{}", section.markdown());
        }
        sections.extend(measured);
    }
    if arguments.write {
        let page = page();
        let text = report::page(&sections, &fs::read_to_string(&page).unwrap_or_default());
        if let Some(folder) = page.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&page, text).with_context(|| format!("writing {}", page.display()))?;
        eprintln!("written: {}", page.display());
    }
    Ok(())
}

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md")
}
