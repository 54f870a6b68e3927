//! Exact binomial intervals: how far a count may be from its expectation before chance is no
//! excuse.

use std::ops::RangeInclusive;

/// What lies outside on either side, together one in a thousand.
const TAIL: f64 = 0.0005;

/// The narrowest range of successes in `n` trials of probability `p` of which each side leaves
/// out at most 0.05 %: a fair count is inside at least 999 times in 1000.
///
/// # Panics
/// If `p` is not strictly between 0 and 1: there is no chance in that.
pub fn interval_999(n: u64, p: f64) -> RangeInclusive<u64> {
    assert!(p > 0.0 && p < 1.0, "probability {p}");
    let below = first_beyond_tail(0..=n, n, p);
    let above = first_beyond_tail((0..=n).rev(), n, p);
    below.unwrap_or(0)..=above.unwrap_or(n)
}

/// The first count, coming from one end, with which more than the tail is left out.
fn first_beyond_tail(mut counts: impl Iterator<Item = u64>, n: u64, p: f64) -> Option<u64> {
    let mut sum = 0.0;
    counts.find(|&k| {
        sum += probability(k, n, p);
        sum > TAIL
    })
}

/// Probability of exactly `k` successes.
fn probability(k: u64, n: u64, p: f64) -> f64 {
    let choose = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    (choose + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p()).exp()
}

/// ln n!, the log-gamma function at n + 1: exact sums for small n, Stirling's series beyond
/// (DLMF 5.11.1), whose error is below 1e-13 there.
fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|factor| (factor as f64).ln()).sum();
    }
    let x = n as f64 + 1.0;
    let ln_tau_half = (std::f64::consts::TAU).ln() / 2.0;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + ln_tau_half + series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of exact fractions, 60 digits.
    #[test]
    fn intervals_are_the_exact_ones() {
        for (n, p, expected) in [
            (10_000, 0.3, 2850..=3151),
            (10_000, 0.05, 430..=573),
            (10_000, 0.5, 4835..=5165),
            (2_000, 0.2, 342..=460),
            (20, 0.5, 3..=17),
            (100, 0.01, 0..=6),
        ] {
            assert_eq!(interval_999(n, p), expected, "n {n}, p {p}");
        }
    }

    #[test]
    fn both_ways_to_a_factorial_agree() {
        for n in [32_u64, 40, 170] {
            let sum: f64 = (2..=n).map(|factor| (factor as f64).ln()).sum();
            assert!((ln_factorial(n) - sum).abs() < 1e-10, "{n}");
        }
    }
}
