//! The distributions that jitter is asked to have, and how far a sample is from one.

use crate::kolmogorov;

/// A distribution of jitter, by what netem and probe both call it.
#[derive(Clone, Copy, Debug)]
pub enum Distribution {
    /// Evenly over ± 1.
    Uniform,
    /// The standard one.
    Normal,
    /// Of shape 3, moved and stretched as netem's table is.
    Pareto,
    /// A quarter normal and three quarters Pareto, at the same share.
    ParetoNormal,
}

impl Distribution {
    /// Each of them.
    pub const ALL: [Self; 4] = [
        Self::Uniform,
        Self::Normal,
        Self::Pareto,
        Self::ParetoNormal,
    ];

    /// Its name, as typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Normal => "normal",
            Self::Pareto => "pareto",
            Self::ParetoNormal => "paretonormal",
        }
    }

    /// The share of all that lies below `x`, in units of jitter around the delay.
    fn below(self, x: f64) -> f64 {
        // Pareto of shape 3, moved and stretched as netem's table is.
        let pareto = |x: f64| match 1.5 + 0.75 * x {
            root if root <= 1.0 => 0.0,
            root => 1.0 - root.powi(-3),
        };
        match self {
            Self::Uniform => ((x + 1.0) / 2.0).clamp(0.0, 1.0),
            Self::Normal => normal(x),
            Self::Pareto => pareto(x),
            // A quarter of the one and three quarters of the other, at the same share.
            Self::ParetoNormal => normal(by_halving(|n| {
                0.25 * n + 0.75 * by_halving(|p| pareto(p) < normal(n)) < x
            })),
        }
    }

    /// The largest distance between the sample's distribution and this one (Kolmogorov-Smirnov),
    /// and how likely chance alone makes one as large.
    pub fn distance(self, sample: &mut [f64]) -> (f64, f64) {
        let distance = kolmogorov::distance(sample, |x| self.below(x));
        (distance, kolmogorov::p_value(distance, sample.len()))
    }
}

/// Where a condition that holds for small numbers ends.
fn by_halving(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (-40.0, 4_000.0);
    for _ in 0..70 {
        let middle = (low + high) / 2.0;
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The share of the standard normal distribution below `x`: Abramowitz and Stegun, 26.2.17, right
/// to 7.5e-8.
fn normal(x: f64) -> f64 {
    const FACTORS: [f64; 5] = [
        1.330_274_429,
        -1.821_255_978,
        1.781_477_937,
        -0.356_563_782,
        0.319_381_530,
    ];
    if x < 0.0 {
        return 1.0 - normal(-x);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * x);
    let density = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    1.0 - density * FACTORS.iter().fold(0.0, |sum, factor| (sum + factor) * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_tables() {
        assert!((normal(1.0) - 0.841_344_746).abs() < 1e-6);
        assert!((normal(-1.959_964) - 0.025).abs() < 1e-6);
        // The median of u^(-1/3) is 2^(1/3).
        let median = (2f64.cbrt() - 1.5) * 4.0 / 3.0;
        assert!((Distribution::Pareto.below(median) - 0.5).abs() < 1e-9);
        assert!((Distribution::ParetoNormal.below(0.75 * median) - 0.5).abs() < 1e-6);
        assert_eq!(Distribution::Uniform.below(0.5), 0.75);
    }

    #[test]
    fn what_is_not_of_a_distribution_is_told_from_it() {
        let mut even: Vec<f64> = (0..1_000).map(|n| f64::from(n) / 500.0 - 1.0).collect();
        let (distance, chance) = Distribution::Uniform.distance(&mut even);
        assert!(distance < 0.002 && chance > 0.99);
        let (distance, chance) = Distribution::Normal.distance(&mut even);
        assert!(distance > 0.1 && chance < 1e-6);
    }
}
