//! Times without calls though there was demand for some, right after failures.

use super::super::link::BEAT_NS;
use super::super::reading::{Reading, Rhythm, most_at_once};
use super::super::spread::ms;
use super::super::tape::Entry;

/// Calls that were due for a silence to be one.
const MISSING: f64 = 5.0;
/// What is less likely than this is no accident: some silences, and all that there are.
const ACCIDENT: f64 = 0.05;
const SURELY_NO_ACCIDENT: f64 = 0.001;
/// A silence shorter than this is a pause.
const SHORTEST_MS: f64 = 60.0;

/// What says that calls would have been made; the later, the surer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Demand {
    /// The caller's steady rhythm before.
    Rhythm,
    /// The service's other dependencies are called as before.
    Siblings,
    /// Inbound calls are answered.
    Inbound,
}

/// See the file's head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    /// Which call of the record comes after it; beyond the last while it goes on.
    pub(super) next: usize,
    /// The failure after which no call was made.
    pub(super) from: u64,
    /// The next call; none while it goes on.
    pub(super) to: Option<u64>,
    /// How long it had lasted when a call was last kept from being made.
    pub(super) at_least_ms: f64,
    pub(super) demand: Demand,
    /// Inbound calls that were answered without a call.
    pub(super) kept_out: usize,
    seen_until: u64,
}

impl Silence {
    pub(super) fn length_ms(&self) -> f64 {
        ms(self.to.unwrap_or(self.seen_until) - self.from)
    }
}

/// Every silence of a link that says something.
#[derive(Clone, Debug, Default)]
pub(super) struct Silences {
    pub(super) list: Vec<Silence>,
    /// Calls have stopped, and nothing but the caller's own rhythm says that there was demand: that
    /// one isn't on the list.
    pub(super) went_quiet: bool,
}

/// Finds every silence of a link.
pub(super) fn find(reading: &Reading) -> Silences {
    let entries = &reading.entries;
    let siblings: Vec<_> = reading
        .siblings()
        .map(|(_, link)| (link, rate_before(reading, link)))
        .filter(|(_, rate)| *rate > 0.0)
        .collect();
    let most = most_at_once(entries);
    let mut found = Vec::new();
    for next in 1..=entries.len() {
        let to = entries.get(next).map(|it| it.start);
        let until = to.unwrap_or_else(|| silent_until(reading));
        let Some(from) = stopped_at(entries, next).filter(|from| *from < until) else {
            continue;
        };
        // Where calls may be missing from the record, nothing is told by there being none.
        if ms(until - from) < SHORTEST_MS || reading.lost_between(from, until) {
            continue;
        }
        if let Some((demand, at_least_ms)) = demand(reading, &siblings, from, until) {
            let kept_out_last = from + (at_least_ms * 1e6) as u64;
            if is_full(&entries[..next], most, kept_out_last) {
                continue;
            }
            found.push(Silence {
                next,
                from,
                to,
                at_least_ms,
                demand,
                kept_out: reading.inbound_within(from, until).count(),
                seen_until: until,
            });
        }
    }
    // Where most end with a call made again, those are waits.
    let again: Vec<bool> = found
        .iter()
        .map(|it| is_made_again(reading, it.next))
        .collect();
    let all = are_waits(reading, &found, &again);
    // So is one that is short beside all others: a call that is let through to see may be made
    // twice. The first comes before any such call.
    let others = found.iter().zip(&again);
    let others = others.filter(|(it, again)| it.to.is_some() && !**again);
    let shortest = others.map(|it| it.0.length_ms()).fold(f64::MAX, f64::min);
    let is_wait = |place: usize, it: &Silence| {
        again[place] && (all || place > 0 && shortest < f64::MAX && it.length_ms() < shortest / 2.0)
    };
    found = found
        .iter()
        .enumerate()
        .filter(|(place, it)| !is_wait(*place, it))
        .map(|it| *it.1)
        .collect();
    // One that goes on is told by demand that is seen, or by others before it.
    let went_quiet = found
        .last()
        .is_some_and(|it| it.to.is_none() && it.demand == Demand::Rhythm);
    if went_quiet {
        found.pop();
    }
    Silences {
        list: found,
        went_quiet,
    }
}

/// Whether silences that end with a call made again are too many for an accident: a caller with a
/// handful of requests makes one of them anew soon enough.
fn are_waits(reading: &Reading, found: &[Silence], again: &[bool]) -> bool {
    let count = again.iter().filter(|it| **it).count();
    if count * 2 <= found.len() {
        return false;
    }
    // How likely it is that so many of the first ones do by accident, number by number.
    let mut likely = vec![1.0];
    for silence in found {
        let chance = chance_to_repeat(reading, silence.next);
        likely.push(0.0);
        for so_many in (0..likely.len()).rev() {
            let one_fewer = so_many.checked_sub(1).map_or(0.0, |it| likely[it]);
            likely[so_many] = likely[so_many] * (1.0 - chance) + one_fewer * chance;
        }
    }
    // What was told of silences is taken back with the last of them.
    let bound = match count == found.len() {
        true => SURELY_NO_ACCIDENT,
        false => ACCIDENT,
    };
    likely[count..].iter().sum::<f64>() < bound
}

/// Whether the call after a silence is one made again: then it was a wait.
fn is_made_again(reading: &Reading, next: usize) -> bool {
    let Some(call) = reading.entries.get(next).filter(|it| it.fingerprint != 0) else {
        return false;
    };
    reading.requests_differ
        && failed_before(reading, next).any(|it| it.fingerprint == call.fingerprint)
}

/// How many of the calls that nobody makes again are the same as one that failed just before.
fn chance_to_repeat(reading: &Reading, next: usize) -> f64 {
    let is_known = |it: &&Entry| !it.failed() && it.fingerprint != 0;
    let calm = reading.calm.iter().filter(is_known);
    let (mut all, mut alike) = (0, 0);
    for call in calm {
        all += 1;
        let same = |it: &Entry| it.fingerprint == call.fingerprint;
        alike += usize::from(failed_before(reading, next).any(same));
    }
    alike as f64 / all.max(1) as f64
}

/// The calls among the last few before one that failed.
fn failed_before<'a>(reading: &'a Reading, next: usize) -> impl Iterator<Item = &'a Entry> {
    let before = &reading.entries[next.saturating_sub(12)..next];
    before.iter().filter(|it| it.was_in_vain())
}

/// Whether as many calls were still under way at a moment as ever are at once: then there was no
/// place for another.
fn is_full(before: &[Entry], most: u32, at: u64) -> bool {
    let under_way = before.iter().filter(|it| it.ended > at).count();
    under_way > 0 && under_way * 10 >= most as usize * 9
}

/// How long a silence that no call on record ended has lasted for sure: one may be under way by now.
fn silent_until(reading: &Reading) -> u64 {
    match reading.link.gauge {
        Some(gauge) if gauge.in_flight > 0 => reading.link.idle_ns,
        _ => reading.now_ns,
    }
}

/// The first failure that ended after the last call before `next` was made.
fn stopped_at(entries: &[Entry], next: usize) -> Option<u64> {
    let last_start = entries[next - 1].start;
    entries[next.saturating_sub(256)..next]
        .iter()
        .filter_map(Entry::in_vain_at)
        .filter(|at| *at >= last_start)
        .min()
}

/// What says that calls were due, and how long the silence lasted at least.
fn demand(
    reading: &Reading,
    siblings: &[(&super::super::link::Link, f64)],
    from: u64,
    until: u64,
) -> Option<(Demand, f64)> {
    let length_ms = ms(until - from);
    let Rhythm {
        rate,
        longest_idle_ms,
        ..
    } = reading.rhythm;
    if let Some(ratio) = reading.attempts_per_inbound() {
        let (mut kept, mut last) = (0, from);
        for call in reading.inbound_within(from, until) {
            kept += 1;
            last = last.max(call.began_ns);
        }
        let enough = f64::from(kept) * ratio.min(1.0) >= MISSING;
        return enough.then(|| (Demand::Inbound, ms(last - from)));
    }
    let due = rate * length_ms / 1e3;
    if due < MISSING || length_ms < 3.0 * longest_idle_ms {
        return None;
    }
    let interval_ms = 1e3 / rate;
    let at_least_ms = length_ms - interval_ms.min(0.5 * length_ms);
    let goes_on = siblings.iter().any(|(link, before)| {
        let begun = f64::from(link.pulse.between(from, until).began);
        let beats = (until / BEAT_NS).saturating_sub(from.div_ceil(BEAT_NS));
        begun >= 4.0 && begun >= 0.5 * before * (beats * BEAT_NS) as f64 / 1e9
    });
    match goes_on {
        true => Some((Demand::Siblings, at_least_ms)),
        false => Some((Demand::Rhythm, at_least_ms)),
    }
}

/// Calls in a second to another dependency, before trouble began here.
fn rate_before(reading: &Reading, link: &super::super::link::Link) -> f64 {
    let Some(first) = reading.entries.iter().find(|it| it.was_in_vain()) else {
        return 0.0;
    };
    let from = link
        .pulse
        .since()
        .max(first.start.saturating_sub(30_000_000_000));
    let seconds = first.start.saturating_sub(from) as f64 / 1e9;
    if seconds < 1.0 {
        return 0.0;
    }
    f64::from(link.pulse.between(from, first.start).began) / seconds
}
