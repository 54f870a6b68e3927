//! Retry where nothing tells which calls belong together: waits that stand out among all the times
//! from a failure to any later call; and more calls than there is demand for.

use super::super::backoff::AT_ONCE_MS;
use super::super::circuit_breaker::is_open_between;
use super::super::finding::{Backoff, CircuitBreaker, Ground, Jitter, Retry};
use super::super::lanes::Keying;
use super::super::reading::Reading;
use super::super::spread::{count_within, median, ms, sorted};
use super::super::tape::Entry;
use super::{Chain, Chains, Tally, observed};

/// The longest wait looked for.
const HORIZON_NS: u64 = 20_000_000_000;
/// Calls looked at after each failure, and failures looked at.
const NEXT: usize = 48;
const FAILURES: usize = 500;
/// How far a peak stands above what is around it, in standard deviations.
const OUTSTANDING: f64 = 6.0;

/// Tells retries in a crowd; none where nothing shows.
pub(super) fn judge(reading: &Reading, breaker: &CircuitBreaker) -> Option<(Retry, Chains)> {
    by_waits(reading, breaker).or_else(|| by_demand(reading, breaker))
}

fn by_waits(reading: &Reading, breaker: &CircuitBreaker) -> Option<(Retry, Chains)> {
    let successes = reading
        .calm
        .iter()
        .chain(&reading.entries)
        .filter(|it| !it.failed())
        .count();
    let failures = reading.entries.iter().filter(|it| it.failed()).count();
    let excess = excess(reading, breaker)?;
    if failures < 8 || successes < 8 || excess < 1.25 {
        return None;
    }
    let after_failures = sorted(lags(&reading.entries, true));
    let usual = sorted([lags(&reading.calm, false), lags(&reading.entries, false)].concat());
    let mut peaks = peaks(&after_failures, &usual, failures.min(FAILURES), successes);
    if comes_at_once(&reading.calm) {
        peaks.retain(|it| it.0 > AT_ONCE_MS);
    }
    if peaks.is_empty() {
        return None;
    }
    let rough = matched(&reading.entries, breaker, |_, lag| {
        peaks
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&lag))
    });
    let usual_wait = waits_by_number(&rough);
    let list = matched(&reading.entries, breaker, |number, lag| {
        usual_wait
            .get(number)
            .is_some_and(|wait| (lag - wait).abs() <= (wait * 0.08).max(6.0))
    });
    let tally = Tally::of(&list);
    let share = tally.linked as f64 / tally.first_failed.max(1) as f64;
    let mut retry = observed(reading, &list, &tally, Keying::Crowd.told());
    // What is grouped must come to what there is more than demand.
    let grouped = retry.amplification.unwrap_or(1.0);
    if tally.links < 8 || tally.linked < 4 || share < 0.3 || (grouped / excess - 1.0).abs() > 0.25 {
        return None;
    }
    let whole = f64::from(retry.attempts_max.unwrap_or_default());
    retry.attempts_max = retry.attempts_max.filter(|_| (whole - excess).abs() < 0.5);
    retry.ground = retry.ground.at_most(0.9);
    Some((retry, Chains { list, sure: true }))
}

/// Whether calls come at once after others, or together with them, that went well: who never
/// pauses, or calls in bursts, does after failures, too.
fn comes_at_once(calm: &[Entry]) -> bool {
    let at_once = |from: u64| {
        let next = calm.partition_point(|it| it.start <= from);
        calm.get(next)
            .is_some_and(|it| it.start - from <= 2_000_000)
    };
    let after = calm
        .iter()
        .filter(|it| at_once(it.ended.saturating_sub(200_000)));
    let beside = calm.iter().filter(|it| at_once(it.start));
    let enough = calm.len() * 2 / 5;
    calm.len() >= 8 && (after.count() >= enough || beside.count() >= enough)
}

/// Calls made over calls due, while they failed.
fn excess(reading: &Reading, breaker: &CircuitBreaker) -> Option<f64> {
    let failed = || reading.entries.iter().filter(|it| it.failed());
    let (from, to) = (failed().next()?.start, failed().next_back()?.start);
    if !breaker.transitions.is_empty() || to < from + 1_000_000_000 {
        return None;
    }
    let made = reading.started(from, to).len() as f64;
    let due = match reading.attempts_per_inbound() {
        Some(ratio) => reading.inbound_begun(from, to) as f64 * ratio,
        None => reading.rhythm.rate * (to - from) as f64 / 1e9,
    };
    // Calls may come in bursts, of which the last one needn't be whole.
    let burst = f64::from(reading.rhythm.most_at_once);
    (due >= 15.0).then(|| (made - burst) / due)
}

/// Times from the ends of calls, failed ones or others, to the starts of later ones.
fn lags(entries: &[Entry], failed: bool) -> Vec<f64> {
    let mut lags = Vec::new();
    let ended = entries.iter().filter(|it| it.failed() == failed);
    for one in ended.rev().take(FAILURES) {
        let from = entries.partition_point(|it| it.start < one.ended);
        let next = entries[from..].iter().take(NEXT);
        lags.extend(
            next.take_while(|it| it.start - one.ended <= HORIZON_NS)
                .map(|it| ms(it.start - one.ended)),
        );
    }
    lags
}

fn width(lag: f64) -> f64 {
    (lag * 0.04).max(4.0)
}

/// Lags that are far more common than those around them, and not as common after successes.
fn peaks(lags: &[f64], usual: &[f64], failures: usize, successes: usize) -> Vec<(f64, f64)> {
    let mut found: Vec<(f64, f64, f64)> = Vec::new();
    let mut high = 0;
    for low in 0..lags.len() {
        let from = lags[low];
        high = high.max(low);
        while high < lags.len() && lags[high] <= from + width(from) {
            high += 1;
        }
        let count = (high - low) as f64;
        if count < 6.0 || count < 0.12 * failures as f64 {
            continue;
        }
        let reach = 4.0 * width(from);
        let near = count_within(lags, from - reach, from + width(from) + reach) as f64 - count;
        let beside = near * width(from) / (reach + reach.min(from + 0.5));
        let before = count_within(usual, from - 2.0, from + width(from) + 2.0) as f64
            * failures as f64
            / successes.max(1) as f64;
        let expected = beside.max(before);
        let above = (count - expected) / (expected + 1.0).sqrt();
        if above >= OUTSTANDING {
            found.push((above, from, from + width(from)));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut peaks: Vec<(f64, f64)> = Vec::new();
    for (_, low, high) in found {
        if peaks.len() < 12 && peaks.iter().all(|it| high < it.0 || it.1 < low) {
            peaks.push((low, high));
        }
    }
    peaks
        .iter()
        .map(|(low, high)| (low - 2.0, high + 2.0))
        .collect()
}

/// Gives each call at most one failed one before it that it could be, the latest first.
fn matched(
    entries: &[Entry],
    breaker: &CircuitBreaker,
    fits: impl Fn(usize, f64) -> bool,
) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    // Failed calls that nothing followed yet, by the chain they are the last of.
    let mut open: Vec<usize> = Vec::new();
    for entry in entries {
        open.retain(|at| {
            chains[*at]
                .attempts
                .last()
                .is_some_and(|last| entry.start < last.ended + HORIZON_NS)
        });
        let fitting = open.iter().rposition(|at| {
            let chain = &chains[*at];
            let last = &chain.attempts[chain.attempts.len() - 1];
            entry.start >= last.ended
                && fits(chain.attempts.len() - 1, ms(entry.start - last.ended))
        });
        let place = match fitting {
            Some(position) => open.remove(position),
            None => {
                chains.push(Chain::default());
                chains.len() - 1
            }
        };
        chains[place].attempts.push(*entry);
        if entry.failed() {
            let at = open.partition_point(|it| {
                chains[*it]
                    .attempts
                    .last()
                    .is_some_and(|last| last.ended <= entry.ended)
            });
            open.insert(at, place);
        }
    }
    let end = entries.last().map_or(0, |it| it.start);
    for chain in &mut chains {
        if let Some(last) = chain.attempts.last() {
            chain.cut_off = last.ended + HORIZON_NS / 4 > end
                || is_open_between(breaker, last.ended, last.ended + 1);
        }
    }
    chains
}

fn waits_by_number(chains: &[Chain]) -> Vec<f64> {
    let mut waits: Vec<Vec<f64>> = Vec::new();
    for chain in chains {
        for (number, pair) in chain.attempts.windows(2).enumerate().take(12) {
            if waits.len() == number {
                waits.push(Vec::new());
            }
            waits[number].push(ms(pair[1].start.saturating_sub(pair[0].ended)));
        }
    }
    let most = waits.first().map_or(0, Vec::len);
    let enough = waits
        .iter()
        .take_while(|it| it.len() >= 3 && it.len() * 10 >= most);
    enough.map(|it| median(it)).collect()
}

/// More calls than demand: told where inbound calls tell the demand.
pub(super) fn by_demand(reading: &Reading, breaker: &CircuitBreaker) -> Option<(Retry, Chains)> {
    let ratio = reading.attempts_per_inbound()?;
    let failed = || reading.entries.iter().filter(|it| it.failed());
    let (from, to) = (failed().next()?.start, failed().next_back()?.start);
    if !breaker.transitions.is_empty() || to < from + 1_000_000_000 {
        return None;
    }
    let attempts = reading.started(from, to).len();
    let inbound = reading.inbound_begun(from, to);
    let well = reading
        .started(from, to)
        .iter()
        .filter(|it| !it.failed())
        .count();
    let calls = inbound as f64 * ratio;
    let amplification = attempts as f64 / calls.max(1.0);
    if calls < 15.0 || amplification < 1.5 || attempts < 40 {
        return None;
    }
    let whole = amplification.round();
    let all_failed = well * 50 <= attempts;
    let is_whole = all_failed && (amplification - whole).abs() < 0.12;
    let evidence = format!(
        "{attempts} attempts for {calls:.0} calls while they failed; their waits don't stand out"
    );
    let retry = Retry {
        ground: Ground::observed(attempts - calls as usize, evidence)
            .showing(failed().map(Entry::exhibit))
            .at_most(0.85),
        attempts_max: is_whole.then_some(whole as u32),
        backoff: Backoff::Unknown,
        jitter: Jitter::Unknown,
        amplification: Some((amplification * 100.0).round() / 100.0),
        storm: amplification >= 2.0,
        ..Retry::default()
    };
    Some((retry, Chains::default()))
}
