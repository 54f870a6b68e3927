//! The Kolmogorov-Smirnov test of one sample against a distribution: how far apart they are, and
//! how often chance alone brings them that far.

/// The largest distance between a sample's distribution and the one asked for, 0 to 1.
///
/// # Panics
/// If a sample is not a number.
pub fn distance(sample: &mut [f64], share_below: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let gaps = sample.iter().enumerate().map(|(rank, &value)| {
        assert!(!value.is_nan());
        let expected = share_below(value);
        let (before, after) = (rank as f64 / n, (rank as f64 + 1.0) / n);
        (expected - before).max(after - expected)
    });
    gaps.fold(0.0, f64::max)
}

/// How probable a distance of at least that is, for `n` samples of the distribution itself:
/// Kolmogorov's limit, with Stephens's correction for finite samples (J. R. Stat. Soc. B 32, 1970).
pub fn p_value(distance: f64, n: usize) -> f64 {
    let root = (n as f64).sqrt();
    let x = distance * (root + 0.12 + 0.11 / root);
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    };
    (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smirnov's table of the limit.
    #[test]
    fn probabilities_are_those_of_the_table() {
        for (x, expected) in [(1.36, 0.0494), (1.63, 0.0098), (0.83, 0.4963)] {
            // So many samples that the correction is nothing.
            let n = 1_000_000_000_000;
            let p = p_value(x / 1e6, n);
            assert!((p - expected).abs() < 0.0005, "{x}: {p}");
        }
    }

    #[test]
    fn the_distance_is_the_largest_gap() {
        let uniform = |value: f64| value.clamp(0.0, 1.0);
        let mut sample = [0.1, 0.9, 0.5];
        assert!((distance(&mut sample, uniform) - 7.0 / 30.0).abs() < 1e-12);
        let mut shifted: Vec<f64> = (0..1000)
            .map(|n| (f64::from(n) + 0.5) / 1000.0 + 0.1)
            .collect();
        let far = distance(&mut shifted, uniform);
        assert!((far - 0.1).abs() < 0.001, "{far}");
        assert!(p_value(far, 1000) < 1e-6);
    }
}
