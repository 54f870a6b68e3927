//! Jitter is spread as was asked: how long packets wait, held against the distribution itself.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use tests::{
    Family, Pair, Probe,
    kolmogorov::{distance, p_value},
    turn::Turn,
    voyage::travel,
};

const PACKETS: u16 = 10_000;
const PER_SECOND: u64 = 5_000;
const DELAY: f64 = 0.100;
const JITTER: f64 = 0.020;
/// Below it, chance is no excuse.
const LEAST_P: f64 = 0.01;
/// The seed decides, so luck is the same each time; a busy machine is not.
const TRIES: u32 = 3;

/// By what share of packets wait less than so many seconds.
type ShareBelow = fn(f64) -> f64;

#[test]
#[ignore = "needs root"]
fn waits_are_spread_as_was_asked() -> Result<()> {
    let _turn = Turn::together()?;
    let pair = Pair::new()?;
    pair.know_each_other()?;
    let distributions: [(&str, ShareBelow); 4] = [
        ("uniform", |x| ((x + 1.0) / 2.0).clamp(0.0, 1.0)),
        ("normal", normal_below),
        ("pareto", pareto_below),
        ("paretonormal", pareto_normal_below),
    ];
    for (name, below) in distributions {
        let best = (0..TRIES)
            .map(|_| chance_of(&pair, name, below))
            .find(|p| p.as_ref().map_or(true, |&p| p > LEAST_P));
        ensure!(best.transpose()?.is_some(), "{name}: not as was asked");
    }
    Ok(())
}

/// How probable it is that what packets waited comes of the distribution.
fn chance_of(pair: &Pair, name: &str, below: ShareBelow) -> Result<f64> {
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
    let apart = distance(&mut with, |wait| below((wait - way - DELAY) / JITTER));
    let p = p_value(apart, with.len());
    println!("{name}: distance {apart:.5}, p {p:.4}");
    Ok(p)
}

/// The standard normal distribution, by the error function (Abramowitz and Stegun 7.1.26, which
/// is off by 1.5e-7 at most).
fn normal_below(x: f64) -> f64 {
    let z = x.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let terms = [
        0.254_829_592,
        -0.284_496_736,
        1.421_413_741,
        -1.453_152_027,
        1.061_405_429,
    ];
    let sum = terms.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    let above = sum * (-z * z).exp() / 2.0;
    if x < 0.0 { above } else { 1.0 - above }
}

/// Pareto's of shape 3, as netem has it: its mean at zero, stretched by 4/3.
fn pareto_below(x: f64) -> f64 {
    let value = x * 0.75 + 1.5;
    if value < 1.0 {
        0.0
    } else {
        1.0 - value.powi(-3)
    }
}

/// A quarter of the one and three quarters of the other at the same share: found by halving.
fn pareto_normal_below(x: f64) -> f64 {
    let quantile = |below: ShareBelow, share: f64| {
        let (mut low, mut high) = (-10.0, 200.0);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            if below(middle) < share {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let share = (low + high) / 2.0;
        let value = 0.25 * quantile(normal_below, share) + 0.75 * quantile(pareto_below, share);
        if value < x {
            low = share;
        } else {
            high = share;
        }
    }
    low
}
