//! Retry where first attempts are known: what else is made is made again. Waits are found stage by
//! stage: from failed first attempts to the second, from those that failed to the third.

use super::super::circuit_breaker::is_open_between;
use super::super::finding::{CircuitBreaker, Ground, Retry};
use super::super::lanes::Lanes;
use super::super::reading::Reading;
use super::super::spread::{median, ms};
use super::super::tape::Entry;
use super::{Chain, Chains, ENOUGH_TO_DENY, Tally, observed};

/// The longest wait looked for.
const HORIZON_MS: f64 = 20_000.0;
/// Failed attempts looked at in a stage, and later ones looked at after each.
const LOOKED_AT: usize = 600;
const NEXT: usize = 64;
/// Most attempts of a call.
const MOST: usize = 16;

/// Tells retries; none where neither they nor their absence can be told.
pub(super) fn judge(
    reading: &Reading,
    lanes: &Lanes,
    firsts: &[bool],
    breaker: &CircuitBreaker,
) -> Option<(Retry, Chains)> {
    let entries = &reading.entries;
    let mut chain_of: Vec<Option<usize>> = vec![None; entries.len()];
    let mut chains: Vec<Vec<usize>> = Vec::new();
    for (at, _) in firsts.iter().enumerate().filter(|it| *it.1) {
        chain_of[at] = Some(chains.len());
        chains.push(vec![at]);
    }
    let failed_firsts = chains.iter().filter(|it| entries[it[0]].failed()).count();
    let window = failing(entries)?;
    let others = (window.0..window.1)
        .filter(|at| chain_of[*at].is_none())
        .count();
    // What keeps calls back makes them late: then they aren't known by when they begin.
    let made_by_firsts = due(reading, window).is_none_or(|due| {
        let firsts = (window.0..window.1)
            .filter(|at| chain_of[*at].is_some())
            .count();
        firsts as f64 >= 0.75 * due
    });
    let kept_back = !made_by_firsts && breaker.transitions.is_empty();
    if failed_firsts < 6 || kept_back || reading.lost_any() {
        return None;
    }
    if others * 20 <= failed_firsts && failed_firsts >= ENOUGH_TO_DENY {
        let evidence =
            format!("{failed_firsts} first attempts failed and {others} others were made");
        let retry = Retry {
            ground: Ground::absent(failed_firsts, evidence),
            ..Retry::default()
        };
        return Some((retry, as_chains(entries, &chains, breaker)));
    }
    let mut found = 0;
    for stage in 0..MOST {
        let linked = stage_of(entries, lanes, &mut chain_of, &mut chains, stage);
        found += linked;
        if linked < 3 {
            break;
        }
    }
    if found < 6 || found * 10 < others * 7 {
        return by_count(reading, &chains, others, failed_firsts);
    }
    let told = as_chains(entries, &chains, breaker);
    let tally = Tally::of(&told.list);
    Some((
        observed(reading, &told.list, &tally, "by when calls begin"),
        told,
    ))
}

/// From the first failure to the last: positions.
fn failing(entries: &[Entry]) -> Option<(usize, usize)> {
    let first = entries.iter().position(Entry::failed)?;
    let last = entries.iter().rposition(Entry::failed)?;
    (last > first).then_some((first, last + 1))
}

/// Calls that were due from the one entry to the other, where inbound calls tell.
fn due(reading: &Reading, (from, to): (usize, usize)) -> Option<f64> {
    let ratio = reading.attempts_per_inbound()?;
    let (from, to) = (reading.entries[from].start, reading.entries[to - 1].start);
    Some(reading.inbound_begun(from, to) as f64 * ratio)
}

/// Links the attempts of one stage to those of the next; how many.
fn stage_of(
    entries: &[Entry],
    lanes: &Lanes,
    chain_of: &mut [Option<usize>],
    chains: &mut [Vec<usize>],
    stage: usize,
) -> usize {
    let failed: Vec<(usize, usize)> = chains
        .iter()
        .enumerate()
        .filter(|(_, it)| it.len() == stage + 1 && entries[it[stage]].failed())
        .map(|(chain, it)| (chain, it[stage]))
        .collect();
    let fits = |from: usize, to: usize, taken: &[Option<usize>]| {
        taken[to].is_none() && lanes.may_repeat(&entries[from], &entries[to])
    };
    let after = |from: usize| {
        let low = entries.partition_point(|it| it.start < entries[from].ended);
        (low..entries.len()).take(NEXT * 4)
    };
    let next = |from: usize, taken: &[Option<usize>]| {
        let after = after(from).filter(|to| fits(from, *to, taken)).take(NEXT);
        after
            .map(|to| ms(entries[to].start - entries[from].ended))
            .collect::<Vec<_>>()
    };
    let looked_at: Vec<Vec<f64>> = failed
        .iter()
        .take(LOOKED_AT)
        .map(|(_, from)| next(*from, chain_of))
        .collect();
    let Some((low, high)) = wait_of(&looked_at) else {
        return 0;
    };
    let mut linked = 0;
    for (chain, from) in failed {
        let middle = (low + high) / 2.0;
        let off = |to: usize| (ms(entries[to].start - entries[from].ended) - middle).abs();
        let next = after(from)
            .filter(|to| fits(from, *to, chain_of) && off(*to) <= (high - low) / 2.0 + 1.0)
            .min_by(|a, b| off(*a).total_cmp(&off(*b)));
        if let Some(to) = next {
            chain_of[to] = Some(chain);
            chains[chain].push(to);
            linked += 1;
        }
    }
    linked
}

/// The wait that most have in common, as a band. Those that failed first are asked: when trouble
/// begins, nothing but their own next attempts is made again. Later, calls that come by a clock
/// have others' attempts after them as regularly as their own.
fn wait_of(lags: &[Vec<f64>]) -> Option<(f64, f64)> {
    let width = |lag: f64| (lag * 0.03).max(5.0);
    let covered = |wait: f64| {
        let is_near = |lag: &f64| (lag - wait).abs() <= width(wait);
        lags.iter().filter(|it| it.iter().any(is_near)).count()
    };
    let asked = lags.iter().take(6).filter_map(|it| it.first().copied());
    let candidates = asked
        .filter(|it| *it <= HORIZON_MS)
        .map(|it| (covered(it), it));
    let best = candidates.reduce(|best, other| match other.0 as f64 > 1.2 * best.0 as f64 {
        true => other,
        false => best,
    });
    let (count, wait) = best?;
    // Where calls crowd, something comes after any wait.
    let beside = [0.83, 1.17]
        .map(|it| covered(wait * it))
        .into_iter()
        .min()
        .unwrap_or_default();
    let stands_out = count >= 2 * beside || lags.len() < 12;
    let near = lags
        .iter()
        .flat_map(|it| it.iter().filter(|lag| (*lag - wait).abs() <= width(wait)));
    let middle = median(&near.copied().collect::<Vec<_>>());
    (count >= 3 && count * 2 >= lags.len() && (stands_out || is_clocked(lags, wait)))
        .then(|| (middle - width(middle), middle + width(middle)))
}

/// Whether the very first ones agree on a wait.
fn is_clocked(lags: &[Vec<f64>], wait: f64) -> bool {
    let first = lags.iter().take(4).filter_map(|it| it.first());
    let near = first.filter(|lag| (*lag - wait).abs() <= (wait * 0.03).max(5.0));
    near.count() >= 3
}

fn as_chains(entries: &[Entry], chains: &[Vec<usize>], breaker: &CircuitBreaker) -> Chains {
    let end = entries.last().map_or(0, |it| it.start);
    let list = chains.iter().map(|chain| {
        let attempts: Vec<Entry> = chain.iter().map(|at| entries[*at]).collect();
        let last = attempts[attempts.len() - 1].ended;
        let cut_off = last + 2_000_000_000 > end || is_open_between(breaker, last, last + 1);
        Chain { attempts, cut_off }
    });
    Chains {
        list: list.collect(),
        sure: true,
    }
}

/// Where waits don't stand out, how many more attempts there are says at least that.
fn by_count(
    reading: &Reading,
    chains: &[Vec<usize>],
    others: usize,
    failed: usize,
) -> Option<(Retry, Chains)> {
    if others < 10 || others * 4 < failed {
        return None;
    }
    let (from, to) = failing(&reading.entries)?;
    if due(reading, (from, to)).is_some_and(|due| ((to - from) as f64) < 1.25 * due) {
        return None;
    }
    let window = &reading.entries[from..to];
    let first_ones = chains
        .iter()
        .filter(|it| (from..to).contains(&it[0]))
        .count();
    let amplification = window.len() as f64 / first_ones.max(1) as f64;
    let well = window.iter().filter(|it| !it.failed()).count();
    // Who began early on had all attempts; in the first half their later ones are still to come.
    let middle = u64::midpoint(window[0].start, window[window.len() - 1].start);
    let late = from + window.partition_point(|it| it.start < middle);
    let late_ones = chains
        .iter()
        .filter(|it| (late..to).contains(&it[0]))
        .count();
    // First ones are known by when they begin, and a busy machine makes some late: inbound calls
    // tell as well how many there were.
    let begun = [due(reading, (late, to)), Some(late_ones as f64)];
    let all_failed = well * 50 <= window.len();
    let each = begun.into_iter().flatten().filter(|begun| *begun >= 20.0);
    let whole = each
        .map(|begun| (to - late) as f64 / begun)
        .find(|each| all_failed && (each - each.round()).abs() < 0.12);
    let evidence = format!(
        "{others} attempts more than the {first_ones} calls begun; their waits don't stand out"
    );
    let amplification = (amplification * 100.0).round() / 100.0;
    let retry = Retry {
        ground: Ground::observed(others, evidence)
            .showing(window.iter().map(Entry::exhibit))
            .at_most(0.85),
        attempts_max: whole.map(|it| it.round() as u32),
        amplification: Some(amplification),
        storm: amplification >= 2.0,
        ..Retry::default()
    };
    Some((retry, Chains::default()))
}
