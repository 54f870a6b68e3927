//! How sure a share is to lie on the side of a limit that it was measured on.

/// How sure `hits` of `calls` tells on which side of `limit` (0 to 1) the true share lies: 0.5
/// where it says nothing, towards 1 the surer. The score test for one proportion (Rao 1948;
/// Agresti and Coull 1998).
pub fn of_share(hits: u64, calls: u64, limit: f64) -> f64 {
    if calls == 0 {
        return 0.0;
    }
    let n = calls as f64;
    // A limit of exactly 0 or 1 leaves no spread to test against: take half a call's worth.
    let limit = limit.clamp(0.5 / n, 1.0 - 0.5 / n);
    let spread = (limit * (1.0 - limit) / n).sqrt();
    if spread == 0.0 {
        return 0.5;
    }
    below((hits as f64 / n - limit).abs() / spread)
}

/// Share of a normal distribution below `z` standard deviations above its middle. Abramowitz
/// and Stegun 26.2.17, off by less than 7.5e-8.
fn below(z: f64) -> f64 {
    const B: [f64; 5] = [
        0.319_381_530,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let tail = B.iter().rev().fold(0.0, |sum, b| (sum + b) * t);
    1.0 - (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_close() {
        for (z, expected) in [
            (0.0, 0.5),
            (1.0, 0.841_344_7),
            (1.96, 0.975_002_1),
            (3.0, 0.998_650_1),
        ] {
            assert!((below(z) - expected).abs() < 1e-6, "{z}: {}", below(z));
        }
    }

    #[test]
    fn more_calls_are_surer_and_the_limit_itself_says_nothing() {
        assert!((of_share(99, 100, 0.99) - 0.5).abs() < 1e-6);
        assert!(of_share(100, 100, 0.99) < of_share(1_000, 1_000, 0.99));
        assert!(of_share(1_000, 1_000, 0.99) > 0.99);
        assert!(of_share(0, 2, 0.99) > 0.99);
        assert_eq!(of_share(0, 0, 0.99), 0.0);
        assert!(of_share(1, 1, 1.0).is_finite() && of_share(0, 1, 0.0).is_finite());
    }
}
