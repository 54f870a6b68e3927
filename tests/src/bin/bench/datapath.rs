//! What the injector costs a packet: the kernel runs the program many times over one packet
//! (`BPF_PROG_TEST_RUN`), and an empty program beside it.

mod armed;
mod packet;

use anyhow::{Result, ensure};
use probe_common::rule::fault;
use tests::{
    Netns,
    test_run::{Program, copying, empty},
};

use crate::{figures::Figures, host, report::Section};
use armed::{Armed, armed};
use packet::Packet;

/// Runs of a program in a row, of which the kernel tells the mean.
const REPEAT: u32 = 1_000_000;
/// Single runs, for packets that a run leaves changed.
const SINGLES: usize = 20_000;

/// A program with its maps filled, and what it is given.
struct Case {
    name: &'static str,
    program: Program,
    /// Kept, because the program goes with it.
    _armed: Option<Armed>,
    packet: Vec<u8>,
    verdict: u32,
    figures: Figures,
}

/// `TC_ACT_UNSPEC` and `TC_ACT_REDIRECT`.
const GOES_ON: u32 = u32::MAX;
const REDIRECTED: u32 = 7;

/// Half of all packets.
const ALL: u32 = u32::MAX;

pub(crate) fn measure(rounds: usize) -> Result<Vec<Section>> {
    // Copies and resets go somewhere: to nobody's loopback.
    let netns = Netns::new("bench")?;
    netns.within(|| {
        let singles = one_by_one(rounds)?;
        Ok(vec![in_a_row(rounds)?, singles])
    })
}

/// What leaves a packet as it was, so that it can be run over again and again.
fn repeatable() -> Result<Vec<(&'static str, Option<Armed>, u32)>> {
    Ok(vec![
        ("empty program", None, GOES_ON),
        ("nothing armed", Some(armed(&[], 0)?), GOES_ON),
        (
            "no match, 1 target",
            Some(armed(&[(fault::LOSS, ALL)], 1)?.aimed_elsewhere()),
            GOES_ON,
        ),
        (
            "no match, 1,024 targets",
            Some(armed(&[(fault::LOSS, ALL)], 1_024)?.aimed_elsewhere()),
            GOES_ON,
        ),
        (
            "match, loss 0 %, 1 target",
            Some(armed(&[(fault::LOSS, 0)], 1)?),
            GOES_ON,
        ),
        (
            "match, loss 0 %, 1,024 targets",
            Some(armed(&[(fault::LOSS, 0)], 1_024)?),
            GOES_ON,
        ),
        (
            "match, loss 100 %",
            Some(armed(&[(fault::LOSS, ALL)], 1)?),
            REDIRECTED,
        ),
        (
            "match, blackhole",
            Some(armed(&[(fault::BLACKHOLE, ALL)], 1)?),
            REDIRECTED,
        ),
        (
            "match, loss in bursts",
            Some(armed(&[(fault::LOSS_IN_BURSTS, ALL)], 1)?),
            GOES_ON,
        ),
        (
            "match, rate, nothing waits",
            Some(armed(&[(fault::RATE, ALL)], 1)?),
            GOES_ON,
        ),
        (
            "match, corrupt payload 100 %",
            Some(armed(&[(fault::CORRUPT_PAYLOAD, ALL)], 1)?),
            GOES_ON,
        ),
        (
            "match, four rules of loss 0 %",
            Some(armed(&[(fault::LOSS, 0); 4], 1)?),
            GOES_ON,
        ),
    ])
}

fn in_a_row(rounds: usize) -> Result<Section> {
    let v4 = Packet::V4.bytes();
    let cases = repeatable()?;
    let mut cases = cases
        .into_iter()
        .map(|(name, armed, verdict)| Case::new(name, armed, verdict, v4.clone()))
        .collect::<Result<Vec<_>>>()?;
    let six = armed(&[(fault::LOSS, ALL)], 1)?.aimed_elsewhere();
    cases.push(Case::new(
        "no match, IPv6",
        Some(six),
        GOES_ON,
        Packet::V6.bytes(),
    )?);
    for round in 0..rounds {
        in_turns(round, &mut cases, |case| {
            let (verdict, ns) = case.program.run(&case.packet, REPEAT)?;
            ensure!(verdict == case.verdict, "{}: verdict {verdict}", case.name);
            case.figures.add(ns);
            Ok(())
        })?;
    }
    Ok(Section {
        title: "Program cost",
        how: format!(
            "`cargo xtask bench datapath`: `tc_egress_inject` of the committed object by \
             `BPF_PROG_TEST_RUN`, {REPEAT} runs in a row over one UDP packet of 142 bytes, \
             {rounds} rounds, the cases taking turns on one processor. Nanoseconds a packet, the \
             harness included; the last column is the median less the empty program's."
        ),
        columns: COLUMNS.to_vec(),
        rows: rows(&cases),
    })
}

/// The program that does what no program can do any cheaper.
const COPY: &str = "bpf_clone_redirect alone";

/// Faults that leave the packet changed: each run gets a fresh one, and is clocked alone.
fn one_by_one(rounds: usize) -> Result<Section> {
    let of = |kind| armed(&[(kind, ALL)], 1).map(Some);
    let elsewhere = armed(&[(fault::LOSS, ALL)], 1)?.aimed_elsewhere();
    let none = armed(&[(fault::LOSS, 0)], 1)?;
    use Packet::{Answer, Question, V4};
    let cases = [
        ("empty program", None, GOES_ON, V4),
        (COPY, None, GOES_ON, V4),
        ("no match", Some(elsewhere), GOES_ON, V4),
        ("match, loss 0 %", Some(none), GOES_ON, V4),
        ("match, delay", of(fault::DELAY)?, REDIRECTED, V4),
        ("match, reorder 100 %", of(fault::REORDER)?, REDIRECTED, V4),
        (
            "match, corrupt wire 100 %",
            of(fault::CORRUPT_WIRE)?,
            REDIRECTED,
            V4,
        ),
        ("match, duplicate 100 %", of(fault::DUPLICATE)?, GOES_ON, V4),
        ("match, reset", of(fault::RESET)?, REDIRECTED, Answer),
        (
            "match, http-status",
            of(fault::HTTP_STATUS)?,
            GOES_ON,
            Answer,
        ),
        ("match, dns", of(fault::DNS)?, REDIRECTED, Question),
    ];
    let mut cases = cases
        .into_iter()
        .map(|(name, armed, verdict, packet)| Case::new(name, armed, verdict, packet.bytes()))
        .collect::<Result<Vec<_>>>()?;
    for round in 0..rounds {
        in_turns(round, &mut cases, |case| {
            let mut singles = Figures::default();
            for _ in 0..SINGLES {
                let (verdict, ns) = case.program.run(&case.packet, 1)?;
                ensure!(verdict == case.verdict, "{}: verdict {verdict}", case.name);
                singles.add(ns);
            }
            case.figures.add(singles.median());
            Ok(())
        })?;
    }
    Ok(Section {
        title: "Program cost, one run at a time",
        how: format!(
            "`cargo xtask bench datapath`: as above, but each run is clocked by itself, on a fresh \
             packet and with colder caches, because the fault leaves it changed; \
             medians of {SINGLES} runs, {rounds} rounds. Only differences between these rows tell \
             something. The second row is what the kernel takes to make a copy of a packet and send \
             it on: duplicate and reset have it do that, whatever else they take. Nanoseconds."
        ),
        columns: COLUMNS.to_vec(),
        rows: rows(&cases),
    })
}

const COLUMNS: [&str; 5] = ["case", "min", "median", "max", "over empty"];

fn rows(cases: &[Case]) -> Vec<Vec<String>> {
    let empty = cases.first().map_or(0.0, |case| case.figures.median());
    let row = |case: &Case| {
        let over = format!("{:+.0}", case.figures.median() - empty);
        let [min, median, max] = case.figures.spread(0);
        vec![case.name.to_owned(), min, median, max, over]
    };
    cases.iter().map(row).collect()
}

/// Every other round goes backwards, so that no case always comes after the same one.
fn in_turns(
    round: usize,
    cases: &mut [Case],
    mut take: impl FnMut(&mut Case) -> Result<()> + Send,
) -> Result<()> {
    std::thread::scope(|scope| {
        let pinned = scope.spawn(move || {
            host::pin(1)?;
            match round % 2 {
                0 => cases.iter_mut().try_for_each(&mut take),
                _ => cases.iter_mut().rev().try_for_each(&mut take),
            }
        });
        pinned.join().expect("a round that doesn't panic")
    })
}

impl Case {
    fn new(
        name: &'static str,
        armed: Option<Armed>,
        verdict: u32,
        packet: Vec<u8>,
    ) -> Result<Self> {
        Ok(Self {
            name,
            program: match &armed {
                Some(armed) => armed.program()?,
                None if name == COPY => copying()?,
                None => empty()?,
            },
            _armed: armed,
            packet,
            verdict,
            figures: Figures::default(),
        })
    }
}
