//! Order statistics: quantiles, the densest cluster, and whether two samples differ.

/// The value at the share `q` of a sorted sample; 0 of an empty one.
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    match sorted.len() {
        0 => 0.0,
        1 => sorted[0],
        n => {
            let at = q.clamp(0.0, 1.0) * (n - 1) as f64;
            let low = at.floor() as usize;
            let high = (low + 1).min(n - 1);
            sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64)
        }
    }
}

/// The middle of a sample in any order.
pub(super) fn median(values: &[f64]) -> f64 {
    quantile(&sorted(values.to_vec()), 0.5)
}

/// Sorts.
pub(super) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The most values of a sorted sample that lie within `width(lowest)` of the lowest of them:
/// where they begin and end in the sample.
pub(super) fn densest(sorted: &[f64], width: impl Fn(f64) -> f64) -> (usize, usize) {
    let (mut best, mut high) = ((0, 0), 0);
    for low in 0..sorted.len() {
        high = high.max(low);
        while high < sorted.len() && sorted[high] - sorted[low] <= width(sorted[low]) {
            high += 1;
        }
        if high - low > best.1 - best.0 {
            best = (low, high);
        }
    }
    best
}

/// How many values of a sorted sample lie in `[from, to]`.
pub(super) fn count_within(sorted: &[f64], from: f64, to: f64) -> usize {
    let low = sorted.partition_point(|it| *it < from);
    let high = sorted.partition_point(|it| *it <= to);
    high.saturating_sub(low)
}

/// Where the distribution function of `sooner` lies most above that of `later`, and by how much:
/// the one-sided statistic of Smirnov's test. Both sorted.
pub(super) fn most_above(sooner: &[f64], later: &[f64]) -> (f64, f64) {
    let share = |sample: &[f64], at: f64| {
        sample.partition_point(|it| *it <= at) as f64 / sample.len().max(1) as f64
    };
    let mut best = (0.0, 0.0);
    for (index, at) in sooner.iter().enumerate() {
        let above = (index + 1) as f64 / sooner.len() as f64 - share(later, *at);
        if above > best.1 {
            best = (*at, above);
        }
    }
    best
}

/// What [`most_above`] exceeds by chance once in a thousand (Smirnov 1944, asymptotic).
pub(super) fn by_chance(n: usize, m: usize) -> f64 {
    let (n, m) = (n.max(1) as f64, m.max(1) as f64);
    (1_000_f64.ln() / 2.0 * (n + m) / (n * m)).sqrt()
}

/// Nanoseconds as milliseconds.
pub(super) fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}
