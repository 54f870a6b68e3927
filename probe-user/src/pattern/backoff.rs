//! From waits to the schedule behind them: how they grow with the number of the attempt, what
//! they stop at, and how they scatter.

use super::finding::{Backoff, Jitter};
use super::spread::{quantile, sorted};

/// Waits shorter than this are what it takes to notice and to try again.
pub(super) const AT_ONCE_MS: f64 = 8.0;
/// What timers and schedulers add or take, as a share of a wait.
const SLACK: f64 = 0.08;
/// Waits it takes, of all attempt numbers together, to tell how they scatter.
const ENOUGH_TO_SCATTER: usize = 8;

/// What was found out of the waits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Schedule {
    pub(super) backoff: Backoff,
    pub(super) base_ms: Option<f64>,
    pub(super) multiplier: Option<f64>,
    pub(super) cap_ms: Option<f64>,
    pub(super) jitter: Jitter,
    /// The first retry comes at once, and only the later ones wait.
    pub(super) first_at_once: bool,
}

/// Fits waits in milliseconds, listed by the number of the attempt they follow.
pub(super) fn fit(waits: &[Vec<f64>]) -> Schedule {
    let most = waits.iter().map(Vec::len).max().unwrap_or_default();
    // Few waits of one number, where others have many, are odd ones.
    let waits: Vec<Vec<f64>> = waits
        .iter()
        .take_while(|it| it.len() * 12 >= most && !it.is_empty())
        .map(|it| sorted(it.clone()))
        .collect();
    if waits.is_empty() {
        return Schedule::default();
    }
    if waits.iter().all(|it| quantile(it, 0.75) < AT_ONCE_MS) {
        return Schedule {
            backoff: Backoff::None,
            jitter: Jitter::None,
            ..Schedule::default()
        };
    }
    let skipped = waits
        .iter()
        .take_while(|it| quantile(it, 0.75) < AT_ONCE_MS)
        .count();
    let waits = &waits[skipped..];
    let jitter = jitter_of(waits);
    let nominal: Vec<(f64, f64)> = waits
        .iter()
        .map(|it| (nominal(it, jitter), it.len() as f64))
        .collect();
    Schedule {
        jitter,
        first_at_once: skipped > 0,
        ..growth(&nominal, jitter, skipped)
    }
}

/// How waits of the same number scatter.
fn jitter_of(waits: &[Vec<f64>]) -> Jitter {
    // A group that isn't one call's attempts is an odd one among many.
    let is_tight = |it: &&Vec<f64>| {
        let middle = quantile(it, 0.5);
        let slack = (AT_ONCE_MS * 0.75).max(SLACK * 0.6 * middle);
        let near = it.iter().filter(|wait| (*wait - middle).abs() <= slack);
        near.count() * 5 >= it.len() * 4
    };
    let several = || waits.iter().filter(|it| it.len() >= 2);
    let all: usize = several().map(Vec::len).sum();
    if all == 0 {
        return match is_regular(waits) {
            true => Jitter::None,
            false => Jitter::Unknown,
        };
    }
    let tight: usize = several().filter(is_tight).map(Vec::len).sum();
    if tight as f64 >= 0.8 * all as f64 {
        return Jitter::None;
    }
    let scaled: Vec<f64> = waits
        .iter()
        .filter(|it| it.len() >= 4)
        .flat_map(|it| it.iter().map(|wait| wait / quantile(it, 0.5)))
        .collect();
    if scaled.len() < ENOUGH_TO_SCATTER {
        return Jitter::Unknown;
    }
    let scaled = sorted(scaled);
    // Uniform from nothing to the nominal wait: 0.1 to 0.9 of it, one ninth. In the upper half
    // only: 0.55 to 0.95. Within a quarter around it: 0.8 to 1.2.
    match quantile(&scaled, 0.1) < 0.3 * quantile(&scaled, 0.9) {
        true => Jitter::Full,
        false => Jitter::Partial,
    }
}

/// Whether single waits follow each other by one factor, or are all alike.
fn is_regular(waits: &[Vec<f64>]) -> bool {
    let ratios: Vec<f64> = waits.windows(2).map(|it| it[1][0] / it[0][0]).collect();
    ratios.len() >= 2
        && ratios
            .iter()
            .all(|it| (it / ratios[0] - 1.0).abs() < SLACK / 2.0)
}

/// The wait that was meant, out of those seen after the same number of attempts; sorted.
fn nominal(waits: &[f64], jitter: Jitter) -> f64 {
    let n = waits.len() as f64;
    let most = quantile(waits, 1.0);
    match jitter {
        // Timers are late, never early.
        Jitter::None | Jitter::Unknown => quantile(waits, 0.25),
        Jitter::Full => {
            let by_quantile = quantile(waits, 0.9) / 0.9;
            match most * (1.0 + 1.0 / n) {
                by_most if by_most <= 1.2 * by_quantile => by_most,
                _ => by_quantile,
            }
        }
        Jitter::Partial => {
            let (low, high) = (quantile(waits, 0.05), quantile(waits, 0.95));
            // From half of it to all of it, or around it.
            match (1.55..2.3).contains(&(high / low.max(0.1))) {
                true => (high + (high - low) * 0.05).min(most * (1.0 + 1.0 / n)),
                false => quantile(waits, 0.5),
            }
        }
    }
}

/// How nominal waits, each with its weight, grow.
fn growth(nominal: &[(f64, f64)], jitter: Jitter, skipped: usize) -> Schedule {
    let base_ms = Some(nominal[0].0);
    let only = Schedule {
        base_ms,
        ..Schedule::default()
    };
    if nominal.len() == 1 {
        return only;
    }
    let slack = nominal
        .iter()
        .map(|(_, weight)| match jitter {
            Jitter::None => SLACK,
            _ => SLACK + 0.7 / weight.sqrt(),
        })
        .fold(0.0, f64::max)
        .min(0.45);
    let low = nominal.iter().map(|it| it.0).fold(f64::MAX, f64::min);
    let high = nominal.iter().map(|it| it.0).fold(0.0, f64::max);
    if high <= low * (1.0 + slack) {
        let weight: f64 = nominal.iter().map(|it| it.1).sum();
        let mean = nominal.iter().map(|it| it.0 * it.1).sum::<f64>() / weight;
        return Schedule {
            backoff: Backoff::Fixed,
            base_ms: Some(mean),
            ..only
        };
    }
    let (growing, cap_ms) = split_cap(nominal, slack);
    if growing.len() < 2 {
        return Schedule {
            backoff: Backoff::Exponential,
            cap_ms,
            ..only
        };
    }
    let (exponential, off_exponential) = line(growing, f64::ln);
    let (linear, off_linear) = line(growing, |it| it);
    // Two waits are on any line: one that doubles is more often meant to.
    let is_linear = growing.len() >= 3 && off_linear < 0.5 * off_exponential && skipped == 0;
    if is_linear && linear.1 > 0.0 {
        return Schedule {
            backoff: Backoff::Linear,
            cap_ms,
            ..only
        };
    }
    let fitted = match jitter {
        Jitter::None => nominal[0].0,
        _ if nominal[0].1 >= 15.0 => nominal[0].0,
        _ => exponential.0.exp(),
    };
    Schedule {
        backoff: Backoff::Exponential,
        base_ms: Some(fitted),
        multiplier: Some(exponential.1.exp()),
        cap_ms,
        ..only
    }
}

/// Parts waits that grow from those at the end that don't any more.
fn split_cap(nominal: &[(f64, f64)], slack: f64) -> (&[(f64, f64)], Option<f64>) {
    let last = nominal[nominal.len() - 1].0;
    let flat = nominal
        .iter()
        .rev()
        .take_while(|it| (it.0 / last - 1.0).abs() <= slack)
        .count();
    let rising = &nominal[..nominal.len() - flat];
    if flat >= 2 {
        return (rising, Some(last));
    }
    // Cut off the first time it is reached: the last step is smaller than those before.
    let steps: Vec<f64> = nominal.windows(2).map(|it| it[1].0 / it[0].0).collect();
    let is_cut = steps.len() >= 3
        && steps[steps.len() - 1] < (1.0 - slack) * 0.9 * steps[steps.len() - 2]
        && (steps[steps.len() - 2] / steps[0] - 1.0).abs() <= slack;
    match is_cut {
        true => (rising, Some(last)),
        false => (nominal, None),
    }
}

/// Weighted least squares of `scale(wait)` over the attempt's number: offset and slope, and how
/// far off the waits are, as a share of each.
fn line(waits: &[(f64, f64)], scale: impl Fn(f64) -> f64) -> ((f64, f64), f64) {
    let points = || {
        waits
            .iter()
            .enumerate()
            .map(|(x, it)| (x as f64, scale(it.0), it.1))
    };
    let weight: f64 = points().map(|it| it.2).sum();
    let mean_x = points().map(|(x, _, w)| x * w).sum::<f64>() / weight;
    let mean_y = points().map(|(_, y, w)| y * w).sum::<f64>() / weight;
    let over = points()
        .map(|(x, y, w)| w * (x - mean_x) * (y - mean_y))
        .sum::<f64>();
    let under = points()
        .map(|(x, _, w)| w * (x - mean_x).powi(2))
        .sum::<f64>();
    let slope = over / under;
    let offset = mean_y - slope * mean_x;
    let off = points()
        .zip(waits)
        .map(|((x, y, w), (wait, _))| {
            let share = match scale(*wait) == *wait {
                true => (offset + slope * x - y) / wait.max(1.0),
                false => (offset + slope * x - y).exp() - 1.0,
            };
            w * share * share
        })
        .sum::<f64>();
    ((offset, slope), (off / weight).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(waits: &[f64], times: usize) -> Vec<Vec<f64>> {
        let late = |n: usize| (n % 5) as f64 * 0.6;
        waits
            .iter()
            .map(|wait| (0..times).map(|n| wait + late(n)).collect())
            .collect()
    }

    #[test]
    fn schedules_of_libraries() {
        let curl = fit(&each(&[1000.0, 2000.0, 4000.0, 8000.0], 1));
        assert_eq!(curl.backoff, Backoff::Exponential);
        assert_eq!(curl.jitter, Jitter::None);
        assert!((curl.multiplier.unwrap() - 2.0).abs() < 0.05, "{curl:?}");
        let urllib3 = fit(&each(&[0.2, 1000.0, 2000.0, 4000.0], 5));
        assert!(urllib3.first_at_once);
        assert!((urllib3.base_ms.unwrap() - 1000.0).abs() < 5.0);
        let fixed = fit(&each(&[200.0, 200.0, 200.0], 4));
        assert_eq!(fixed.backoff, Backoff::Fixed);
        let linear = fit(&each(&[100.0, 200.0, 300.0, 400.0], 4));
        assert_eq!(linear.backoff, Backoff::Linear);
        let capped = fit(&each(&[100.0, 200.0, 400.0, 500.0, 500.0], 4));
        assert_eq!(capped.backoff, Backoff::Exponential);
        assert!((capped.cap_ms.unwrap() - 500.0).abs() < 5.0);
        let at_once = fit(&each(&[0.3, 0.4], 9));
        assert_eq!(at_once.backoff, Backoff::None);
    }

    #[test]
    fn one_wait_has_no_growth() {
        let one = fit(&each(&[300.0], 9));
        assert_eq!(one.backoff, Backoff::Unknown);
        assert!((one.base_ms.unwrap() - 300.0).abs() < 3.0);
        assert_eq!(fit(&[]), Schedule::default());
    }
}
