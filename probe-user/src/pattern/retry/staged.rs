//! Retry where first attempts are known: what else is made is made again. Waits are found stage by
//! stage: from failed first attempts to the second, from those that failed to the third.

use super::super::circuit_breaker::is_open_between;
use super::super::finding::{CircuitBreaker, Ground, Retry};
use super::super::lanes::Lanes;
use super::super::reading::Reading;
use super::super::spread::{count_within, densest, ms, sorted};
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
pub(super) fn judge(reading: &Reading, lanes: &Lanes, firsts: &[bool], breaker: &CircuitBreaker) -> Option<(Retry, Chains)> {
    let entries = &reading.entries;
    let mut chain_of: Vec<Option<usize>> = vec![None; entries.len()];
    let mut chains: Vec<Vec<usize>> = Vec::new();
    for (at, _) in firsts.iter().enumerate().filter(|it| *it.1) {
        chain_of[at] = Some(chains.len());
        chains.push(vec![at]);
    }
    let failed_firsts = chains.iter().filter(|it| entries[it[0]].failed()).count();
    let window = failing(entries)?;
    let others = (window.0..window.1).filter(|at| chain_of[*at].is_none()).count();
    if failed_firsts < 6 || reading.lost_any() {
        return None;
    }
    if others * 20 <= failed_firsts && failed_firsts >= ENOUGH_TO_DENY {
        let evidence = format!("{failed_firsts} first attempts failed and {others} others were made");
        let retry = Retry { ground: Ground::absent(failed_firsts, evidence), ..Retry::default() };
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
    if found < 6 || found * 10 < others * 6 {
        return by_count(reading, &chains, others, failed_firsts);
    }
    let told = as_chains(entries, &chains, breaker);
    let tally = Tally::of(&told.list);
    Some((observed(reading, &told.list, &tally, "by when calls begin"), told))
}

/// From the first failure to the last: positions.
fn failing(entries: &[Entry]) -> Option<(usize, usize)> {
    let first = entries.iter().position(Entry::failed)?;
    let last = entries.iter().rposition(Entry::failed)?;
    (last > first).then_some((first, last + 1))
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
    let mut lags = Vec::new();
    for (_, from) in failed.iter().rev().take(LOOKED_AT) {
        let next = after(*from).filter(|to| fits(*from, *to, chain_of)).take(NEXT);
        lags.extend(next.map(|to| ms(entries[to].start - entries[*from].ended)));
    }
    let lags = sorted(lags.into_iter().filter(|it| *it <= HORIZON_MS).collect());
    let looked_at = failed.len().min(LOOKED_AT);
    let Some((low, high)) = wait_of(&lags, looked_at) else {
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

/// The wait that most have in common, as a band.
fn wait_of(lags: &[f64], failed: usize) -> Option<(f64, f64)> {
    let width = |lag: f64| (lag * 0.03).max(5.0);
    let (low, high) = densest(lags, width);
    let (from, to) = (*lags.get(low)?, *lags.get(high.checked_sub(1)?)?);
    let count = (high - low) as f64;
    let reach = 3.0 * width(from);
    let near = count_within(lags, from - reach, to + reach) as f64 - count;
    let beside = near * (to - from + 1.0) / (reach + reach.min(from + 1.0));
    let stands_out = count >= beside + 5.0 * (beside + 1.0).sqrt();
    (count >= 3.0 && count >= 0.3 * failed as f64 && stands_out).then_some((from, to))
}

fn as_chains(entries: &[Entry], chains: &[Vec<usize>], breaker: &CircuitBreaker) -> Chains {
    let end = entries.last().map_or(0, |it| it.start);
    let list = chains.iter().map(|chain| {
        let attempts: Vec<Entry> = chain.iter().map(|at| entries[*at]).collect();
        let last = attempts[attempts.len() - 1].ended;
        let cut_off = last + 2_000_000_000 > end || is_open_between(breaker, last, last + 1);
        Chain { attempts, cut_off }
    });
    Chains { list: list.collect(), sure: true }
}

/// Where waits don't stand out, how many more attempts there are says at least that.
fn by_count(reading: &Reading, chains: &[Vec<usize>], others: usize, failed: usize) -> Option<(Retry, Chains)> {
    if others < 10 || others * 4 < failed {
        return None;
    }
    let (from, to) = failing(&reading.entries)?;
    let window = &reading.entries[from..to];
    let first_ones = chains.iter().filter(|it| (from..to).contains(&it[0])).count();
    let amplification = window.len() as f64 / first_ones.max(1) as f64;
    let well = window.iter().filter(|it| !it.failed()).count();
    let whole = amplification.round();
    let is_whole = well * 50 <= window.len() && (amplification - whole).abs() < 0.12 && first_ones >= 20;
    let evidence = format!(
        "{others} attempts more than the {first_ones} calls begun; their waits don't stand out"
    );
    let amplification = (amplification * 100.0).round() / 100.0;
    let retry = Retry {
        ground: Ground::observed(others, evidence)
            .showing(window.iter().map(Entry::exhibit))
            .at_most(0.85),
        attempts_max: is_whole.then_some(whole as u32),
        amplification: Some(amplification),
        storm: amplification >= 2.0,
        ..Retry::default()
    };
    Some((retry, Chains::default()))
}
