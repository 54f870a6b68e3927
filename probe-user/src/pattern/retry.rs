//! Retry: attempts grouped into logical calls, and what is common to the waits between them. What
//! would follow a failure anyway, because it follows successes the same way, is no retry.

mod crowd;
mod firsts;
mod motif;
mod rule;
mod staged;

use super::backoff::{self, Schedule};
use super::circuit_breaker::is_open_between;
use super::finding::{Backoff, CircuitBreaker, Ground, Retry, State, Verdict};
use super::lanes::{Keying, Lanes, Step};
use super::reading::Reading;
use super::tape::Entry;
use rule::Rule;

/// Failed calls without another attempt that it takes to say that there is no retry.
const ENOUGH_TO_DENY: usize = 15;

/// A logical call.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    /// Its attempts, in order.
    pub(super) attempts: Vec<Entry>,
    /// What came after the last one can't be told.
    pub(super) cut_off: bool,
}

impl Chain {
    /// Whether no attempt went well, as far as is known.
    pub(super) fn failed(&self) -> bool {
        self.attempts.last().is_some_and(Entry::failed)
    }

    /// Whether it came to nothing, and all of it is known.
    fn gave_up(&self) -> bool {
        self.failed() && !self.cut_off
    }
}

/// Attempts grouped into logical calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Chains {
    pub(super) list: Vec<Chain>,
    /// Whether the grouping can be relied upon.
    pub(super) sure: bool,
}

/// Tells whether failed attempts are made again, and groups attempts into logical calls.
pub(super) fn judge(reading: &Reading, breaker: &CircuitBreaker) -> (Retry, Chains) {
    let failures = reading.entries.iter().filter(|it| it.failed()).count();
    if failures == 0 {
        let ground = Ground::unknown("no attempt failed");
        return (
            Retry {
                ground,
                ..Retry::default()
            },
            Chains::default(),
        );
    }
    let lanes = Lanes::of(&reading.entries, &reading.calm, reading.requests_differ);
    let rule = Rule::of(&lanes, &reading.entries);
    if lanes.keying != Keying::Request
        && !rule.tells_each_call()
        && let Some(firsts) = firsts::of(reading)
    {
        return staged::judge(reading, &lanes, &firsts, breaker)
            .or_else(|| crowd::by_demand(reading, breaker))
            .unwrap_or_else(cannot_tell);
    }
    if lanes.keying == Keying::Crowd {
        return crowd::judge(reading, breaker).unwrap_or_else(cannot_tell);
    }
    let grouped = group(reading, &lanes, &rule, breaker);
    let told = told(reading, grouped, &rule, &lanes, breaker);
    if told.0.ground.verdict != Verdict::Observed
        && let Some(by_demand) = crowd::by_demand(reading, breaker)
    {
        return by_demand;
    }
    told
}

fn cannot_tell() -> (Retry, Chains) {
    let ground = Ground::unknown("calls overlap, and nothing tells which belong together");
    (
        Retry {
            ground,
            ..Retry::default()
        },
        Chains::default(),
    )
}

fn group(reading: &Reading, lanes: &Lanes, rule: &Rule, breaker: &CircuitBreaker) -> Vec<Chain> {
    let mut chains = Vec::new();
    for list in &lanes.lists {
        let mut chain = Chain::default();
        for entry in list {
            if let Some(last) = chain.attempts.last() {
                let open = is_open_between(breaker, last.ended, entry.start);
                let step = Step::of(last, entry);
                let follows = step.is_some_and(|step| step.failed && rule.links(&step));
                if open || !follows || !lanes.may_repeat(last, entry) {
                    chain.cut_off = open;
                    chains.push(std::mem::take(&mut chain));
                }
            }
            chain.attempts.push(*entry);
        }
        if let Some(last) = chain.attempts.last() {
            let silent = reading.now_ns.saturating_sub(last.ended);
            let longest = chain
                .attempts
                .windows(2)
                .map(|it| it[1].start - it[0].ended.min(it[1].start));
            let open = is_open_between(breaker, last.ended, last.ended + 1);
            chain.cut_off =
                open || silent < 5_000_000_000.max(3 * longest.max().unwrap_or_default());
            chains.push(chain);
        }
    }
    chains
}

/// What chains show.
fn told(
    reading: &Reading,
    list: Vec<Chain>,
    rule: &Rule,
    lanes: &Lanes,
    breaker: &CircuitBreaker,
) -> (Retry, Chains) {
    let tally = Tally::of(&list);
    let retry = if rule.shows(&tally) && !is_as_due(reading, lanes, breaker) {
        observed(reading, &list, &tally, lanes.keying.told())
    } else if tally.first_failed >= ENOUGH_TO_DENY
        && tally.links * 20 <= tally.first_failed
        && rule.would_show
        && !reading.lost_any()
    {
        let evidence = format!(
            "{} of {} failed calls were not made again: {}",
            tally.first_failed - tally.linked,
            tally.first_failed,
            rule.reason()
        );
        let ground = Ground::absent(tally.first_failed, evidence);
        Retry {
            ground,
            ..Retry::default()
        }
    } else {
        let evidence = format!(
            "{} failed calls, {} perhaps made again: {}",
            tally.first_failed,
            tally.linked,
            rule.reason()
        );
        let ground = Ground::unknown(evidence);
        Retry {
            ground,
            ..Retry::default()
        }
    };
    let sure = retry.ground.verdict != Verdict::Unknown;
    (retry, Chains { list, sure })
}

/// Whether no more calls were made than inbound calls ask for, and no request tells otherwise.
fn is_as_due(reading: &Reading, lanes: &Lanes, breaker: &CircuitBreaker) -> bool {
    let Some(ratio) = reading.attempts_per_inbound() else {
        return false;
    };
    let failed = || reading.entries.iter().filter(|it| it.failed());
    let (Some(first), Some(last)) = (failed().next(), failed().next_back()) else {
        return false;
    };
    let made = reading.started(first.start, last.start).len() as f64;
    let due = reading.inbound_begun(first.start, last.start) as f64 * ratio;
    let is_open = breaker.transitions.iter().any(|it| it.state == State::Open);
    let is_by_rhythm = matches!(lanes.keying, Keying::Single | Keying::Crowd);
    is_by_rhythm && !is_open && due >= 15.0 && made <= 1.1 * due
}

/// What chains come to.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Chains whose first attempt failed, and of which it is known what came then.
    first_failed: usize,
    /// Of those, chains with more attempts than one.
    linked: usize,
    /// Further attempts, in all chains.
    links: usize,
    /// The most of them in one chain.
    longest: usize,
    /// Waits of one chain that grow by one factor.
    regular: bool,
}

impl Tally {
    fn of(chains: &[Chain]) -> Self {
        let mut tally = Self::default();
        for chain in chains {
            let links = chain.attempts.len() - 1;
            let known = links > 0 || !chain.cut_off;
            tally.first_failed += usize::from(chain.attempts[0].failed() && known);
            tally.linked += usize::from(links > 0);
            tally.links += links;
            tally.longest = tally.longest.max(links);
            tally.regular |= links >= 3 && grows_regularly(chain);
        }
        tally
    }
}

/// Whether three waits or more grow by one factor, which no caller's rhythm does.
fn grows_regularly(chain: &Chain) -> bool {
    let waits: Vec<f64> = waits_of(chain).filter(|it| *it > 20.0).collect();
    let steps: Vec<f64> = waits.windows(2).map(|it| it[1] / it[0]).collect();
    steps.len() >= 2 && steps[0] > 1.3 && steps.iter().all(|it| (it / steps[0] - 1.0).abs() < 0.05)
}

fn waits_of(chain: &Chain) -> impl Iterator<Item = f64> {
    chain
        .attempts
        .windows(2)
        .filter_map(|pair| Step::of(&pair[0], &pair[1]))
        .map(|step| step.gap)
}

fn observed(reading: &Reading, list: &[Chain], tally: &Tally, told: &str) -> Retry {
    let attempts = attempts_as_due(reading, list).or_else(|| attempts_max(list));
    let schedule = schedule_of(list, attempts);
    let amplification = amplification(list);
    let evidence = format!(
        "{} of {} failed calls were made again, {} further attempts, told {told}{}",
        tally.linked,
        tally.first_failed,
        tally.links,
        words(&schedule),
    );
    let calls = list.iter().filter(|it| it.attempts.len() > 1);
    let exhibits = calls.flat_map(|it| it.attempts.iter().map(Entry::exhibit));
    let mut ground = Ground::observed(tally.links, evidence).showing(exhibits);
    if tally.linked == 1 {
        ground = ground.at_most(0.85);
    }
    Retry {
        ground,
        attempts_max: attempts,
        backoff: schedule.backoff,
        base_ms: schedule.base_ms,
        multiplier: schedule.multiplier,
        cap_ms: schedule.cap_ms,
        jitter: schedule.jitter,
        amplification: Some(amplification),
        storm: amplification >= 2.0 && is_storm(reading),
    }
}

fn words(schedule: &Schedule) -> String {
    let growth = match schedule.backoff {
        Backoff::None => return ", at once".to_owned(),
        Backoff::Fixed => "alike",
        Backoff::Linear => "growing by as much each time",
        Backoff::Exponential => "growing by a factor",
        Backoff::Unknown => return String::new(),
    };
    let first = match schedule.first_at_once {
        true => " after a first one at once",
        false => "",
    };
    let from = schedule.base_ms.unwrap_or_default();
    format!(", waits {growth} from {from:.0} ms on{first}")
}

/// How many attempts there were for each call that was due, where all failed, and inbound calls tell
/// how many were due: a length that many groups have, though others may be two calls in one.
fn attempts_as_due(reading: &Reading, list: &[Chain]) -> Option<u32> {
    let ratio = reading.attempts_per_inbound()?;
    let failed = || reading.entries.iter().filter(|it| it.failed());
    let (from, to) = (failed().next()?.start, failed().next_back()?.start);
    let made = reading.started(from, to);
    let well = made.iter().filter(|it| !it.failed()).count();
    let due = reading.inbound_begun(from, to) as f64 * ratio;
    let each = made.len() as f64 / due.max(1.0);
    let whole = each.round();
    let has_it = list
        .iter()
        .filter(|it| it.attempts.len() as f64 == whole)
        .count();
    let is_common = has_it >= 3 && has_it * 8 >= list.len();
    (due >= 30.0 && well * 50 <= made.len() && (each - whole).abs() < 0.2 && is_common)
        .then_some(whole as u32)
}

/// Waits by the number of the attempt that they follow, fitted. Groups of more attempts than a call
/// has are several calls.
fn schedule_of(list: &[Chain], attempts: Option<u32>) -> Schedule {
    let most = attempts.map_or(usize::MAX, |it| it as usize);
    let mut waits: Vec<Vec<f64>> = Vec::new();
    for chain in list.iter().filter(|it| it.attempts.len() <= most) {
        for (number, wait) in waits_of(chain).enumerate().take(16) {
            if waits.len() == number {
                waits.push(Vec::new());
            }
            waits[number].push(wait);
        }
    }
    backoff::fit(&waits)
}

/// How many attempts a call that comes to nothing has: what most of those have of which all is
/// known, or else the most seen.
fn attempts_max(list: &[Chain]) -> Option<u32> {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for length in list
        .iter()
        .filter(|it| it.gave_up())
        .map(|it| it.attempts.len())
    {
        match counts.iter_mut().find(|it| it.1 == length) {
            Some(known) => known.0 += 1,
            None => counts.push((1, length)),
        }
    }
    let all: usize = counts.iter().map(|it| it.0).sum();
    let most = list.iter().map(|it| it.attempts.len()).max()?;
    let common = counts.iter().max().filter(|_| all >= 2);
    // A budget, or a breaker's refusals, make short calls common: a length that a few reach and
    // none exceeds is the limit then.
    let reached = |length: usize| list.iter().filter(|it| it.attempts.len() == length).count();
    let attempts = match common {
        Some((times, length)) if *length > 1 && times * 2 >= all => *length,
        _ if reached(most) >= 2 || list.len() < 20 => most,
        Some((_, length)) => (*length).max(most.min(2)),
        None => most,
    };
    u32::try_from(attempts).ok()
}

/// Attempts over logical calls, from the first failure to the last.
fn amplification(list: &[Chain]) -> f64 {
    let failed = || {
        list.iter()
            .flat_map(|it| &it.attempts)
            .filter(|it| it.failed())
    };
    let first = failed().map(|it| it.start).min().unwrap_or_default();
    let last = failed().map(|it| it.start).max().unwrap_or_default();
    let during = || {
        list.iter()
            .filter(|it| (first..=last).contains(&it.attempts[0].start))
    };
    let attempts: usize = during().map(|it| it.attempts.len()).sum();
    (attempts as f64 / during().count().max(1) as f64 * 100.0).round() / 100.0
}

/// Whether the dependency got more than it used to, while it failed.
fn is_storm(reading: &Reading) -> bool {
    let failed = || reading.entries.iter().filter(|it| it.failed());
    let (Some(first), Some(last)) = (failed().next(), failed().next_back()) else {
        return false;
    };
    let seconds = (last.start - first.start) as f64 / 1e9;
    let rate = failed().count() as f64 / seconds.max(1.0);
    reading.rhythm.rate > 0.0 && rate > 1.5 * reading.rhythm.rate
}
