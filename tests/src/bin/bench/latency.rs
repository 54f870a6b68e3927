//! What being attached costs a round trip: the injector that matches nothing or touches nothing,
//! and the observer.

use anyhow::Result;
use nix::sys::signal::Signal;
use tests::{Pair, Probe, bpf::Kind, patience::LONG, wait_until};

use crate::{figures::Figures, order, report::Section, round_trips};

/// How many programs observe.
const OBSERVERS: usize = 5;

/// What probe is told to do; `{}` is the namespace. Nothing where it is absent.
type Setting = (&'static str, Option<&'static str>);

const INJECTING: [Setting; 3] = [
    ("probe absent", None),
    (
        "attached, matching nothing",
        Some("inject -o json delay 2ms --to 10.88.0.77 --netns {} --for 10m"),
    ),
    (
        "matching, touching nothing",
        Some("inject -o json loss 0.0000001% --to 10.88.0.2 --netns {} --for 10m"),
    ),
];

const OBSERVING: [Setting; 2] = [
    ("probe absent", None),
    ("probe observe", Some("observe -o json")),
];

pub(crate) fn measure(rounds: usize) -> Result<Vec<Section>> {
    Ok(vec![Section {
        title: "A TCP round trip",
        ..taken(&INJECTING, rounds, "latency")?
    }])
}

pub(crate) fn measure_observed(rounds: usize) -> Result<Vec<Section>> {
    Ok(vec![Section {
        title: "A TCP round trip, observed",
        ..taken(&OBSERVING, rounds, "observe")?
    }])
}

fn taken(settings: &[Setting], rounds: usize, part: &str) -> Result<Section> {
    let pair = Pair::new()?;
    let mut medians: Vec<_> = settings.iter().map(|_| Figures::default()).collect();
    let mut tails = medians.clone();
    for round in 0..rounds {
        for place in order::of_round(settings.len(), round) {
            let figures = take(&pair, settings[place].1)?;
            medians[place].add(figures.median());
            tails[place].add(figures.quantile(0.99));
        }
    }
    let row = |place: usize| {
        let mut row = vec![settings[place].0.to_owned()];
        row.extend(medians[place].spread(2));
        row.push(format!("{:.2}", tails[place].median()));
        row
    };
    Ok(Section {
        title: "",
        how: format!(
            "`cargo xtask bench {part}`: one byte there and back on one connection over a veth \
             pair, as fast as it goes for 1.5 s, client on CPU 0 and server on CPU 1, {rounds} \
             rounds, the rows taking turns. Microseconds: least, median and largest of the \
             rounds' medians, and the median of their p99s."
        ),
        columns: vec!["probe", "min p50", "p50", "max p50", "p99"],
        rows: (0..settings.len()).map(row).collect(),
    })
}

fn take(pair: &Pair, arguments: Option<&str>) -> Result<Figures> {
    let Some(arguments) = arguments else {
        return round_trips::take(pair);
    };
    let mut probe = Probe::start(&arguments.replace("{}", &pair.near.name))?;
    if arguments.starts_with("inject") {
        probe.wait_for("armed:")?;
    } else {
        // It says nothing before its end: it watches once its last program is attached.
        wait_until("probe to observe", LONG, || {
            let objects = probe.objects().unwrap_or_default();
            let links = objects.iter().filter(|object| object.kind == Kind::Link);
            links.count() >= OBSERVERS
        })?;
    }
    let figures = round_trips::take(pair)?;
    probe.end(Signal::SIGINT)?;
    Ok(figures)
}
