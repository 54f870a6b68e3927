//! Which of the waits after failures is the caller's own pause, where successes don't tell: waits
//! that come again and again in one order grow from attempt to attempt, and then begin anew.

use super::super::lanes::{Lanes, Step};

/// Clusters of waits, by their bounds in milliseconds.
pub(super) type Clusters = Vec<(f64, f64)>;

/// Steps after failures that the clusters have to be most of.
const ENOUGH: usize = 12;

/// The clusters without the one that is a pause between calls, where most failures are
/// followed by a wait in one of them: so many attempts no call has.
pub(super) fn without_pause(clusters: Clusters, lanes: &Lanes) -> Clusters {
    match growing(&clusters, lanes) {
        Some(pause) => {
            let others = clusters.into_iter().enumerate();
            others.filter(|it| it.0 != pause).map(|it| it.1).collect()
        }
        None => clusters,
    }
}

/// Which cluster is the pause between calls whose waits grow; none where that doesn't show.
pub(super) fn growing(clusters: &Clusters, lanes: &Lanes) -> Option<usize> {
    let orders: Vec<Vec<usize>> = lanes
        .lists
        .iter()
        .map(|list| {
            let pairs = list.windows(2).filter(|pair| pair[0].failed());
            let steps = pairs.filter_map(|pair| Step::of(&pair[0], &pair[1]));
            steps.map(|step| cluster_of(clusters, step.gap)).collect()
        })
        .collect();
    let all: usize = orders.iter().map(Vec::len).sum();
    let outside = clusters.len();
    let inside = orders.iter().flatten().filter(|it| **it < outside).count();
    if clusters.len() < 2 || all < ENOUGH || inside * 10 < all * 8 {
        return None;
    }
    let fits = |pause: &usize| share_growing(&orders, clusters, *pause);
    let best = (0..clusters.len()).max_by(|a, b| fits(a).total_cmp(&fits(b)));
    best.filter(|it| fits(it) >= 0.6)
}

fn cluster_of(clusters: &Clusters, gap: f64) -> usize {
    let holds = |it: &(f64, f64)| (it.0..=it.1).contains(&gap);
    clusters.iter().position(holds).unwrap_or(clusters.len())
}

/// The share of what lies between two pauses that is one and the same, and grows.
fn share_growing(orders: &[Vec<usize>], clusters: &Clusters, pause: usize) -> f64 {
    let mut between: Vec<&[usize]> = Vec::new();
    for order in orders {
        let parts: Vec<&[usize]> = order.split(|it| *it == pause).collect();
        // What lies before the first pause, and after the last, needn't be whole.
        if let [_, whole @ .., _] = &parts[..] {
            between.extend(whole);
        }
    }
    let middle = |it: usize| clusters.get(it).map_or(0.0, |it| (it.0 + it.1) / 2.0);
    let grows = |it: &&&[usize]| {
        !it.is_empty() && it.windows(2).all(|pair| middle(pair[0]) < middle(pair[1]))
    };
    let most = between.iter().map(|one| {
        let same = between.iter().filter(|it| *it == one);
        same.filter(grows).count()
    });
    most.max().unwrap_or(0) as f64 / between.len().max(1) as f64
}
