//! Loss: as many packets vanish as chance allows, nobody is told, and every one is accounted for.

use anyhow::{Result, ensure};
use tests::{Ended, Family, Pair, binomial::interval_999, flood::Flood, turn::Turn};

const PACKETS: u64 = 10_000;
const PER_SECOND: u64 = 40_000;

#[test]
#[ignore = "needs root"]
fn thirty_percent_are_thirty_percent_and_nobody_is_told() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let fair = interval_999(PACKETS, 0.3);
    for family in Family::BOTH {
        for direction in ["egress", "ingress"] {
            let (ended, numbers) = flood(&pair, family, direction, "loss 30% --seed 5")?;
            let dropped = ended.counter("dropped")?;
            println!("{family:?} {direction}: {dropped} of {PACKETS} dropped, fair {fair:?}");
            ensure!(fair.contains(&dropped), "{dropped} is not in {fair:?}");
            let sum = ended.counter("matched")? + ended.counter("protected")?;
            ensure!(ended.counter("seen")? == sum, "{ended:?}");
            ensure!(ended.counter("passed")? == PACKETS - dropped, "{ended:?}");
            ensure!(
                numbers.len() as u64 == PACKETS - dropped,
                "{}",
                numbers.len()
            );
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn a_seed_decides_alike_each_time_and_another_one_otherwise() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    for family in Family::BOTH {
        let survivors = |seed: u64| {
            let (_, numbers) = flood(&pair, family, "egress", &format!("loss 30% --seed {seed}"))?;
            anyhow::Ok(numbers)
        };
        let first = survivors(7)?;
        ensure!(
            first == survivors(7)?,
            "{family:?}: the same seed decided otherwise"
        );
        ensure!(
            first != survivors(8)?,
            "{family:?}: another seed decided alike"
        );
    }
    Ok(())
}

#[test]
#[ignore = "needs root"]
fn all_is_all_and_none_is_none() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    let (ended, numbers) = flood(&pair, Family::V4, "egress", "loss 100%")?;
    ensure!(numbers.is_empty(), "{} came", numbers.len());
    ensure!(ended.counter("dropped")? == PACKETS, "{ended:?}");
    let (ended, numbers) = flood(&pair, Family::V4, "egress", "loss 0%")?;
    ensure!(ended.counter("passed")? == PACKETS, "{ended:?}");
    ensure!(
        numbers.iter().copied().eq(0..PACKETS),
        "{} came",
        numbers.len()
    );
    Ok(())
}

/// Sends packets through a fault in the namespace `near`; tells which ones came.
fn flood(pair: &Pair, family: Family, way: &'static str, fault: &str) -> Result<(Ended, Vec<u64>)> {
    let flood = Flood {
        family,
        way,
        packets: PACKETS,
        per_second: PER_SECOND,
    };
    let (ended, received) = flood.through(pair, fault)?;
    let changed = received.changed.len();
    ensure!(changed == 0, "{changed} changed");
    Ok((ended, received.numbers))
}
