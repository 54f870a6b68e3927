//! Jitter is spread as was asked: how long packets wait, held against the distribution itself.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use tests::{Family, Pair, Probe, distribution::Distribution, turn::Turn, voyage::travel};

const PACKETS: u16 = 10_000;
const PER_SECOND: u64 = 5_000;
const DELAY: f64 = 0.100;
const JITTER: f64 = 0.020;
/// Below it, chance is no excuse.
const LEAST_P: f64 = 0.01;
/// The seed decides, so luck is the same each time; a busy machine is not.
const TRIES: u32 = 3;

#[test]
#[ignore = "needs root"]
fn waits_are_spread_as_was_asked() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    pair.know_each_other()?;
    for of in Distribution::ALL {
        let best = (0..TRIES)
            .map(|_| chance_of(&pair, of))
            .find(|p| p.as_ref().map_or(true, |&p| p > LEAST_P));
        ensure!(best.transpose()?.is_some(), "{of:?}: not as was asked");
    }
    Ok(())
}

/// How probable it is that what packets waited comes of the distribution.
fn chance_of(pair: &Pair, of: Distribution) -> Result<f64> {
    let name = of.name();
    let (near, far) = (pair.near_address(Family::V4), pair.far_address(Family::V4));
    let to = SocketAddr::new(far, 40_300);
    let send = || {
        let from = SocketAddr::new(near, 0);
        travel(&pair.near, from, &pair.far, to, PACKETS, PER_SECOND)
    };
    let mut without = send()?;
    without.sort_by(f64::total_cmp);
    let way = without[without.len() / 2];
    let probe = Probe::inject(&format!(
        "delay 100ms --jitter 20ms --distribution {name} --seed 1 --to {far} --proto udp \
         --netns {} --for 60s",
        pair.near.name
    ))?;
    let mut with = send()?;
    let ended = probe.end(Signal::SIGINT)?;
    ensure!(ended.counter("delayed")? == u64::from(PACKETS), "{ended:?}");
    for wait in &mut with {
        *wait = (*wait - way - DELAY) / JITTER;
    }
    let (apart, p) = of.distance(&mut with);
    println!("{name}: distance {apart:.5}, p {p:.4}");
    Ok(p)
}
