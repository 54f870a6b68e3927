//! Timeout: callers that left while an answer was due, or gave up connecting, all after the same
//! time. Ages are looked at, and where several attempts make a call, the time since its first.

use super::attempt::{Outcome, Phase};
use super::finding::{Ground, Scope, Timeout};
use super::reading::Reading;
use super::retry::Chains;
use super::spread::{densest, ms, quantile};
use super::tape::Entry;

/// The kernel itself gives up a connection after that (1+2+4+…+64 s; a little more since it
/// spaces the first ones evenly).
const KERNEL_GIVES_UP_MS: (f64, f64) = (126_000.0, 135_000.0);
/// Calls that ended within that time of each other ended together.
const TOGETHER_NS: u64 = 3_000_000;
/// A fault has to keep callers waiting that long before it says anything that none left.
const LONG_ENOUGH_NS: u64 = 1_000_000_000;

/// Someone who left, and after how long.
#[derive(Clone, Copy)]
struct Leaving {
    entry: Entry,
    /// In milliseconds, since the request, since setting out, and since the call's first attempt.
    ages: [f64; 3],
}

/// A time after which callers leave.
struct Cluster {
    value_ms: f64,
    /// Those who left then, not counting those who left together twice.
    times: usize,
    members: Vec<Entry>,
    scope: Scope,
    tight: f64,
}

/// Tells whether callers have a timeout; who waited as long as `bound_ns` has none.
pub(super) fn judge(reading: &Reading, chains: &Chains, bound_ns: Option<u64>) -> Timeout {
    let left = leavings(reading, chains);
    let by_callers = follow_their_callers(reading, &left);
    if !by_callers {
        let clusters = clusters(&left);
        if let Some(found) = strongest(&clusters, left.len(), reading) {
            return observed(found, &clusters, left.len());
        }
    }
    let ground = match longest_wait(reading, bound_ns) {
        _ if by_callers => Ground::unknown("calls were left only when their own callers had left"),
        Some(evidence) if left.is_empty() && !reading.lost_any() => {
            Ground::absent(evidence.0, evidence.1)
        }
        _ if left.is_empty() => Ground::unknown("nobody was kept waiting long enough"),
        _ => Ground::unknown(format!("{} calls were left, at no common age", left.len())),
    };
    Timeout {
        ground,
        ..Timeout::default()
    }
}

fn leavings(reading: &Reading, chains: &Chains) -> Vec<Leaving> {
    let firsts: std::collections::HashMap<(u64, u64), u64> = chains
        .list
        .iter()
        .filter(|it| chains.sure && it.attempts.len() > 1)
        .flat_map(|it| {
            let first = it.attempts[0].start;
            it.attempts
                .iter()
                .map(move |at| ((at.start, at.connection), first))
        })
        .collect();
    let entries = reading.entries.iter();
    entries
        .filter(|it| matches!(it.outcome, Outcome::Abandoned | Outcome::ConnectTimeout))
        .map(|it| {
            let first = firsts.get(&(it.start, it.connection)).copied();
            let since = |from: u64| ms(it.ended.saturating_sub(from));
            Leaving {
                entry: *it,
                ages: [
                    since(it.began),
                    since(it.start),
                    since(first.unwrap_or(it.start)),
                ],
            }
        })
        .filter(|it| {
            let kernel = KERNEL_GIVES_UP_MS.0..=KERNEL_GIVES_UP_MS.1;
            it.entry.phase == Phase::Response || !kernel.contains(&it.ages[1])
        })
        .collect()
}

/// Whether those who left did so just when the service's own callers left.
fn follow_their_callers(reading: &Reading, left: &[Leaving]) -> bool {
    let mut gone: Vec<u64> = reading
        .inbound
        .iter()
        .filter(|it| it.outcome == Outcome::Abandoned)
        .map(|it| it.ended_ns)
        .collect();
    gone.sort_unstable();
    let follows = |at: u64| {
        let before = gone.partition_point(|it| *it <= at);
        before > 0 && at - gone[before - 1] <= 15_000_000
    };
    let following = left.iter().filter(|it| follows(it.entry.ended)).count();
    following >= 2 && following * 10 >= left.len() * 8
}

/// Ages, or times since the start, that lie together.
fn clusters(left: &[Leaving]) -> Vec<Cluster> {
    let mut found: Vec<Cluster> = Vec::new();
    for phase in [Phase::Response, Phase::Connect] {
        let mut rest: Vec<Leaving> = left
            .iter()
            .filter(|it| it.entry.phase == phase)
            .copied()
            .collect();
        while !rest.is_empty() && found.len() < 8 {
            let best = [Scope::Attempt, Scope::Attempt, Scope::Call]
                .into_iter()
                .enumerate()
                .map(|(kind, scope)| cluster(&mut rest.clone(), kind, scope))
                .reduce(|best, other| match better(&other, &best) {
                    true => other,
                    false => best,
                });
            let Some(best) = best else { break };
            let is_in = |it: &Leaving| best.members.contains(&it.entry);
            rest.retain(|it| !is_in(it));
            found.push(best);
        }
    }
    found
}

/// More leave then, or as many and closer together.
fn better(one: &Cluster, other: &Cluster) -> bool {
    let (a, b) = (one.times as f64, other.times as f64);
    a > b * 1.15 + 0.5 || (a > b * 0.87 - 0.5 && one.tight < other.tight * 0.6 - 0.2)
}

fn cluster(left: &mut [Leaving], kind: usize, scope: Scope) -> Cluster {
    left.sort_by(|a, b| a.ages[kind].total_cmp(&b.ages[kind]));
    let ages: Vec<f64> = left.iter().map(|it| it.ages[kind]).collect();
    let (low, high) = densest(&ages, |lowest| (lowest * 0.03).max(10.0));
    let inside = &ages[low..high];
    let mut ends: Vec<u64> = left[low..high].iter().map(|it| it.entry.ended).collect();
    ends.sort_unstable();
    let together = ends
        .windows(2)
        .filter(|it| it[1] - it[0] <= TOGETHER_NS)
        .count();
    Cluster {
        // Timers fire late, never early, and what comes before the request is missing from it.
        value_ms: quantile(inside, 0.4),
        times: ends.len() - together,
        members: left[low..high].iter().map(|it| it.entry).collect(),
        scope,
        tight: quantile(inside, 0.9) - quantile(inside, 0.1),
    }
}

/// The cluster that most belong to, if that is no accident.
fn strongest<'a>(clusters: &'a [Cluster], left: usize, reading: &Reading) -> Option<&'a Cluster> {
    let best = clusters.iter().max_by_key(|it| it.times)?;
    let last = best.members.iter().map(|it| it.ended).max()?;
    let calls_on = reading
        .entries
        .iter()
        .chain(&reading.calm)
        .any(|it| it.start > last);
    let agree = best.tight <= (best.value_ms * 0.01).max(6.0);
    let enough = match best.times {
        0 | 1 => false,
        2 => agree && left <= 3 && (calls_on || best.value_ms > 500.0),
        // Several that wait side by side may leave together, and did so more than once.
        _ => best.members.len() * 10 >= left * 3,
    };
    (enough && best.value_ms >= 1.0).then_some(best)
}

fn observed(found: &Cluster, clusters: &[Cluster], left: usize) -> Timeout {
    let phase = found.members[0].phase;
    let others: Vec<f64> = clusters
        .iter()
        .filter(|it| it.times >= 3 && !std::ptr::eq(*it, found))
        .map(|it| round(it.value_ms))
        .collect();
    let of = match found.scope {
        Scope::Attempt => "",
        Scope::Call => " since the call's first attempt",
    };
    let evidence = format!(
        "{} of {left} that gave up did so after {:.0} ms{of}, within {:.0} ms of each other, waiting for {}",
        found.members.len(),
        found.value_ms,
        found.tight,
        match phase {
            Phase::Connect => "a connection",
            Phase::Response => "an answer",
        }
    );
    Timeout {
        ground: Ground::observed(found.times, evidence)
            .showing(found.members.iter().map(Entry::exhibit)),
        value_ms: Some(round(found.value_ms)),
        phase: Some(phase),
        scope: Some(found.scope),
        others_ms: others,
    }
}

fn round(ms: f64) -> f64 {
    (ms * 10.0).round() / 10.0
}

/// Whether callers waited, without leaving, for as long as a fault lasted or the bound is.
fn longest_wait(reading: &Reading, bound_ns: Option<u64>) -> Option<(usize, String)> {
    let oldest = reading
        .link
        .gauge
        .filter(|it| it.in_flight > 0 && it.oldest_ns > 0);
    let waits = reading.entries.iter().map(|it| (it.start, it.ended));
    let waits: Vec<_> = waits
        .chain(oldest.map(|it| (it.oldest_ns, it.at_ns)))
        .collect();
    if let Some(bound) = bound_ns {
        let long = waits.iter().filter(|(from, to)| to - from >= bound).count();
        if long > 0 {
            let evidence = format!("{long} calls waited longer than {:.0} ms", ms(bound));
            return Some((long, evidence));
        }
    }
    let of_faults = reading.ledger.on(reading.dependency).filter(|it| {
        it.kind.keeps_waiting()
            && it.to_ns <= reading.now_ns
            && it.to_ns - it.from_ns >= LONG_ENOUGH_NS
    });
    for fault in of_faults {
        let lasted = fault.to_ns - fault.from_ns;
        let outlasted = waits.iter().filter(|(from, to)| {
            *from < fault.to_ns && *to >= fault.to_ns && (to - from) as f64 >= 0.75 * lasted as f64
        });
        let n = outlasted.count();
        if n > 0 {
            let evidence = format!(
                "{n} calls waited as long as the fault lasted, {:.1} s, and nobody left",
                ms(lasted) / 1e3
            );
            return Some((n, evidence));
        }
    }
    None
}
