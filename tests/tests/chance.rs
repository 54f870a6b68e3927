//! Chance: what happens to a share of packets happens to as many as chance allows, in bursts as
//! long as was asked, and to none where that is asked.

use anyhow::{Result, ensure};
use tests::{Ended, Family, Pair, binomial::interval_999, flood::Flood, turn::Turn, udp::Received};

/// Enough for a tenth of a percent to be told from two.
const PACKETS: u64 = 100_000;
const SHARES: [(&str, f64); 4] = [("0.1%", 0.001), ("1%", 0.01), ("10%", 0.1), ("50%", 0.5)];

const FLOOD: Flood = Flood {
    family: Family::V4,
    way: "egress",
    packets: PACKETS,
    per_second: 60_000,
};

/// The seed is the same each time, and so is the luck. Holds each share of a fault against the interval that 999 of 1,000 fair counts are in; `came`
/// holds what was counted against what came.
fn shares_are_fair(
    fault: &str,
    options: &str,
    counter: &str,
    came: fn(u64, &Received) -> Result<()>,
) -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for (share, p) in SHARES {
        let (ended, received) =
            FLOOD.through(&pair, &format!("{fault} {share} {options} --seed 5"))?;
        let touched = ended.counter(counter)?;
        let fair = interval_999(PACKETS, p);
        println!("{fault} {share}: {touched} of {PACKETS}, fair {fair:?}");
        ensure!(fair.contains(&touched), "{touched} is not in {fair:?}");
        every_packet_is_accounted_for(&ended, touched)?;
        came(touched, &received)?;
    }
    Ok(())
}

fn every_packet_is_accounted_for(ended: &Ended, touched: u64) -> Result<()> {
    let counter = |name| ended.counter(name);
    ensure!(counter("matched")? == PACKETS, "{ended:?}");
    ensure!(counter("errors")? == 0, "{ended:?}");
    ensure!(counter("passed")? + touched == PACKETS, "{ended:?}");
    let sum = counter("passed")? + touched + counter("protected")?;
    ensure!(counter("seen")? == sum, "{ended:?}");
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn packets_are_lost_by_the_share() -> Result<()> {
    shares_are_fair("loss", "", "dropped", |lost, received| {
        ensure!(received.changed.is_empty(), "some changed");
        let came = received.numbers.len() as u64;
        ensure!(came + lost == PACKETS, "{came} came, {lost} lost");
        Ok(())
    })
}

#[test]
#[ignore = "needs root"]
fn packets_are_duplicated_by_the_share() -> Result<()> {
    shares_are_fair("duplicate", "", "duplicated", |twice, received| {
        ensure!(received.changed.is_empty(), "some changed");
        let mut numbers = received.numbers.clone();
        ensure!(numbers.len() as u64 == PACKETS + twice, "{}", numbers.len());
        numbers.sort_unstable();
        let pairs = numbers.windows(2).filter(|two| two[0] == two[1]).count();
        ensure!(pairs as u64 == twice, "{pairs} came twice, not {twice}");
        Ok(())
    })
}

#[test]
#[ignore = "needs root"]
fn packets_are_corrupted_by_the_share() -> Result<()> {
    let options = "--mode payload";
    shares_are_fair("corrupt", options, "corrupted", |changed, received| {
        ensure!(received.count() == PACKETS, "{} came", received.count());
        let came = received.changed.len() as u64;
        ensure!(came == changed, "{came} came changed, not {changed}");
        ensure!(received.changed.iter().all(|&bits| bits == 1), "one bit");
        Ok(())
    })
}

#[test]
#[ignore = "needs root"]
fn packets_are_overtaken_by_the_share() -> Result<()> {
    let options = "--by 5ms";
    shares_are_fair("reorder", options, "reordered", |overtaken, received| {
        let came = received.numbers.len() as u64;
        ensure!(came == PACKETS, "{came} came");
        let mut newest = 0;
        let late = received.numbers.iter().filter(|&&number| {
            newest = newest.max(number);
            number < newest
        });
        let late = late.count() as u64;
        // Behind the last ones nothing comes that could overtake them.
        let last = FLOOD.per_second / 100;
        let told = overtaken.saturating_sub(last)..=overtaken;
        ensure!(told.contains(&late), "{late} late, {overtaken} overtaken");
        Ok(())
    })
}

#[test]
#[ignore = "needs root"]
fn an_armed_rule_of_none_touches_none() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for fault in ["loss", "duplicate", "corrupt", "reorder"] {
        let (ended, received) = FLOOD.through(&pair, &format!("{fault} 0%"))?;
        every_packet_is_accounted_for(&ended, 0)?;
        let as_sent = received.numbers.iter().copied().eq(0..PACKETS);
        ensure!(as_sent, "{fault}: {} came", received.numbers.len());
    }
    Ok(())
}

/// A million decisions of the model of Gilbert and Elliott: as much is lost, and in bursts as
/// long, as its parameters say.
#[test]
#[ignore = "needs root"]
fn bursts_are_as_long_as_was_asked() -> Result<()> {
    const DECISIONS: u64 = 1_000_000;
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let flood = Flood {
        packets: DECISIONS,
        per_second: 150_000,
        ..FLOOD
    };
    for (parameters, p, r) in [("1%,20%", 0.01, 0.2), ("5%,50%", 0.05, 0.5)] {
        let fault = format!("loss --gilbert-elliott {parameters} --seed 11");
        let (ended, received) = flood.through(&pair, &fault)?;
        let lost = DECISIONS - received.numbers.len() as u64;
        ensure!(ended.counter("dropped")? == lost, "{ended:?}");
        let (share, length) = (lost as f64 / DECISIONS as f64, mean_gap(&received.numbers));
        let (fair_share, fair_length) = (p / (p + r), 1.0 / r);
        println!(
            "{parameters}: lost {share:.5}, by theory {fair_share:.5}; \
             bursts of {length:.3}, by theory {fair_length:.3}"
        );
        ensure!((share / fair_share - 1.0).abs() < 0.05, "lost {share}");
        ensure!((length / fair_length - 1.0).abs() < 0.05, "length {length}");
    }
    Ok(())
}

/// How many numbers are missing where some are, on average.
fn mean_gap(numbers: &[u64]) -> f64 {
    let missing = numbers.windows(2).map(|two| two[1] - two[0] - 1);
    let (gaps, sum) = missing
        .filter(|&length| length > 0)
        .fold((0u64, 0u64), |(gaps, sum), length| (gaps + 1, sum + length));
    sum as f64 / gaps as f64
}
