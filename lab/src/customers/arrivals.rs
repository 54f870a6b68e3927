//! When customers come and what they want: a constant rate with seeded jitter, half of them to
//! look at a product and half to check out.

use std::time::Duration;

use rand::Rng;
use rand::rngs::SmallRng;

use crate::seed;

/// The shop has this many products.
const ITEMS: u32 = 20;

/// One customer's visit.
#[derive(Debug, PartialEq)]
pub(super) struct Arrival {
    /// When, from the start.
    pub(super) at: Duration,
    /// Path and query of what they ask for.
    pub(super) target: String,
}

/// An endless schedule of visits.
pub(super) struct Arrivals {
    interval: Duration,
    count: u32,
    rng: SmallRng,
}

impl Arrivals {
    /// Schedules `rate` visits a second.
    pub(super) fn new(rate: f64, seed: u64) -> Self {
        let interval = Duration::from_secs_f64(1.0 / rate);
        Self {
            interval,
            count: 0,
            rng: seed::stream(seed, "customers"),
        }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        // Within half an interval of its place: the order stays, and so does the rate.
        let at = self
            .interval
            .mul_f64(f64::from(self.count) + self.rng.random_range(0.0..0.5));
        self.count = self.count.checked_add(1)?;
        let item = self.rng.random_range(1..=ITEMS);
        let target = if self.rng.random() {
            format!("/checkout?order={}&item={item}", self.count)
        } else {
            format!("/?item={item}")
        };
        Some(Arrival { at, target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_constant_and_the_mix_is_even() {
        let arrivals: Vec<_> = Arrivals::new(50.0, 1).take(5000).collect();
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
        let last = arrivals.last().unwrap().at.as_secs_f64();
        assert!((last - 100.0).abs() < 0.1, "{last}");
        let checkouts = arrivals
            .iter()
            .filter(|a| a.target.starts_with("/checkout"))
            .count();
        assert!((2300..2700).contains(&checkouts), "{checkouts}");
    }

    #[test]
    fn a_seed_gives_one_schedule() {
        let schedule = |seed| Arrivals::new(50.0, seed).take(100).collect::<Vec<_>>();
        assert_eq!(schedule(1), schedule(1));
        assert_ne!(schedule(1), schedule(2));
    }
}
