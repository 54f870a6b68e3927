//! Jitter distributions as tables of quantiles, computed here; the kernel looks a draw up.

use probe_common::rule::{JitterTable, distribution};

/// The table of a distribution; `None` for the one that needs none.
pub fn table(of: u32) -> Option<JitterTable> {
    let quantile = match of {
        distribution::NORMAL => normal,
        distribution::PARETO => pareto,
        distribution::PARETO_NORMAL => pareto_normal,
        _ => return None,
    };
    let mut quantiles = [0; distribution::TABLE_LENGTH];
    for (place, value) in quantiles.iter_mut().enumerate() {
        let share = (place as f64 + 0.5) / distribution::TABLE_LENGTH as f64;
        *value = (quantile(share) * f64::from(distribution::UNIT)).round() as i32;
    }
    Some(JitterTable { quantiles })
}

/// The quantile of a Pareto distribution of shape 3, moved and stretched as netem's table is:
/// its mean to zero, its standard deviation to 2/√3.
fn pareto(share: f64) -> f64 {
    ((1.0 - share).powf(-1.0 / 3.0) - 1.5) * 4.0 / 3.0
}

/// A quarter normal, three quarters Pareto, at the same quantile.
fn pareto_normal(share: f64) -> f64 {
    0.25 * normal(share) + 0.75 * pareto(share)
}

/// The quantile of the standard normal distribution, 0 < `share` < 1: where the integral of the
/// density reaches the share, found by halving.
fn normal(share: f64) -> f64 {
    if share > 0.5 {
        return -normal(1.0 - share);
    }
    let (mut low, mut high) = (-40.0, 0.0);
    while high - low > 1e-12 {
        let middle = (low + high) / 2.0;
        if normal_below(middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The share of the standard normal distribution below `x`, for `x` not above zero: by Marsaglia's
/// series (Evaluating the Normal Distribution, 2004) near zero, and further out, where that one
/// cancels, by Laplace's continued fraction.
fn normal_below(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    if x < -3.0 {
        let fraction = (1..=200)
            .rev()
            .fold(0.0, |rest, n| f64::from(n) / (rest - x));
        return density / (fraction - x);
    }
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while f64::abs(term) > 1e-17 {
        n += 2.0;
        term *= x * x / n;
        sum += term;
    }
    0.5 + sum * density
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantiles_are_those_of_the_books() {
        for (share, expected) in [
            (0.5, 0.0),
            (0.841_344_746_068_542_9, 1.0),
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_841),
            (0.001, -3.090_232_306_167_814),
            (1e-6, -4.753_424_308_822_899),
            (0.25, -0.674_489_750_196_082),
        ] {
            let found = normal(share);
            assert!((found - expected).abs() < 1e-6, "{share}: {found}");
        }
    }

    #[test]
    fn pareto_quantiles_are_the_formulas() {
        assert!((pareto(0.875) - 2.0 / 3.0).abs() < 1e-12);
        assert!((pareto(0.0) + 2.0 / 3.0).abs() < 1e-12);
        assert!((pareto_normal(0.875) - (0.25 * 1.150_349_380_376_008 + 0.5)).abs() < 1e-6);
    }

    #[test]
    fn tables_ascend_and_have_the_means_asked_for() {
        for (of, deviation) in [
            (distribution::NORMAL, 1.0),
            (distribution::PARETO, 1.154_7),
            (distribution::PARETO_NORMAL, 1.06),
        ] {
            let quantiles = table(of).unwrap().quantiles;
            assert!(quantiles.is_sorted());
            let values = quantiles.map(|it| f64::from(it) / f64::from(distribution::UNIT));
            let mean = values.iter().sum::<f64>() / 4_096.0;
            let square = values.iter().map(|it| it * it).sum::<f64>() / 4_096.0;
            assert!(mean.abs() < 0.01, "{of}: mean {mean}");
            // Half of a Pareto's variance is in its tail, which a table cuts off.
            assert!(
                (square.sqrt() - deviation).abs() < 0.1,
                "{of}: {}",
                square.sqrt()
            );
        }
        assert_eq!(table(distribution::UNIFORM), None);
    }
}
