//! How long a dependency takes: log-normal, as service times of real servers roughly are, within
//! bounds, so that a healthy dependency never runs into the shop's timeout.

use std::f64::consts::TAU;
use std::time::Duration;

use rand::Rng;

use crate::topology::Role;

/// A distribution of service times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceTime {
    median_ms: f64,
    /// Standard deviation of the logarithm: the p99 is the median times e^(2.33 sigma).
    sigma: f64,
    least_ms: f64,
    most_ms: f64,
}

impl ServiceTime {
    /// The distribution of one dependency.
    pub(crate) fn of(role: Role) -> Self {
        match role {
            Role::Inventory => Self {
                median_ms: 5.0,
                sigma: 0.35,
                least_ms: 1.0,
                most_ms: 60.0,
            },
            Role::Recommendations => Self {
                median_ms: 10.0,
                sigma: 0.5,
                least_ms: 2.0,
                most_ms: 120.0,
            },
            _ => Self {
                median_ms: 20.0,
                sigma: 0.4,
                least_ms: 5.0,
                most_ms: 150.0,
            },
        }
    }

    /// The same with another median, the tail in proportion, and no bounds of its own.
    pub(crate) fn with_median(self, median_ms: Option<u64>) -> Self {
        match median_ms {
            None => self,
            Some(median_ms) => Self {
                median_ms: median_ms as f64,
                least_ms: 0.0,
                most_ms: f64::INFINITY,
                ..self
            },
        }
    }

    /// Draws one service time.
    pub(crate) fn draw(self, rng: &mut impl Rng) -> Duration {
        let milliseconds = self.median_ms * (self.sigma * standard_normal(rng)).exp();
        Duration::from_secs_f64(milliseconds.clamp(self.least_ms, self.most_ms) / 1000.0)
    }
}

/// One draw of the standard normal distribution, after Box and Muller (1958).
fn standard_normal(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (TAU * rng.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed;

    #[test]
    fn medians_and_tails_are_as_documented() {
        for (role, median, p99) in [
            (Role::Payments, 20.0, 50.7),
            (Role::Inventory, 5.0, 11.3),
            (Role::Recommendations, 10.0, 32.0),
        ] {
            let mut rng = seed::stream(1, role.name());
            let mut draws: Vec<_> = (0..20_001)
                .map(|_| ServiceTime::of(role).draw(&mut rng).as_secs_f64() * 1e3)
                .collect();
            draws.sort_by(f64::total_cmp);
            assert!(
                (draws[10_000] / median - 1.0).abs() < 0.03,
                "{role:?}: {}",
                draws[10_000]
            );
            assert!(
                (draws[19_801] / p99 - 1.0).abs() < 0.1,
                "{role:?}: {}",
                draws[19_801]
            );
            assert!(draws[20_000] <= 150.0);
        }
    }
}
