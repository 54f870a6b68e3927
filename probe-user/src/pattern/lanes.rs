//! Which calls were made one after another by the same hand: by the request where requests tell
//! calls apart, by the thread, or because the caller never has two under way.

use std::collections::HashMap;

use super::spread::ms;
use super::tape::Entry;

/// Calls of a thread that are more than a few.
const OFTEN: u32 = 3;

/// What tells which calls belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keying {
    /// Requests differ from call to call.
    Request,
    /// Threads call one thing after another.
    Thread,
    /// There is one call at a time.
    Single,
    /// Nothing.
    Crowd,
}

impl Keying {
    /// In words.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Request => "by their requests",
            Self::Thread => "by their threads",
            Self::Single => "in turn",
            Self::Crowd => "by their waits",
        }
    }
}

/// Calls in the order of their starts, each list made by the same hand as far as can be told.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    pub(super) keying: Keying,
    /// Whether the same request twice in a row is rare.
    pub(super) requests_differ: bool,
    pub(super) lists: Vec<Vec<Entry>>,
    pub(super) calm: Vec<Vec<Entry>>,
}

/// Two calls of one list, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) failed: bool,
    /// End to start, in milliseconds.
    pub(super) gap: f64,
    /// Start to start.
    pub(super) between: f64,
    /// How long the first one took.
    pub(super) took: f64,
    /// How many calls of the whole link began from the one to the other.
    pub(super) apart: usize,
    /// Where the first one stands on the record.
    pub(super) place: usize,
}

impl Step {
    /// None where they overlap.
    pub(super) fn of(one: &Entry, next: &Entry) -> Option<Self> {
        (next.start + 1_000_000 >= one.ended).then(|| Self {
            failed: one.failed(),
            gap: ms(next.start.saturating_sub(one.ended)),
            between: ms(next.start - one.start),
            took: ms(one.ended.saturating_sub(one.start)),
            apart: next.place.saturating_sub(one.place) as usize,
            place: one.place as usize,
        })
    }
}

impl Lanes {
    /// Sorts the calls of a link, in the order of their starts, into lanes.
    pub(super) fn of(entries: &[Entry], calm: &[Entry], requests_differ: bool) -> Self {
        let keying = keying(entries, calm, requests_differ);
        let (entries, calm) = match keying {
            Keying::Thread => (known(entries), threads_own(calm, entries)),
            _ => (entries.to_vec(), calm.to_vec()),
        };
        Self {
            keying,
            requests_differ,
            lists: lists(&entries, keying),
            calm: lists(&calm, keying),
        }
    }

    /// Steps after calls that went well, in calm and in troubled times.
    pub(super) fn usual_steps(&self) -> impl Iterator<Item = Step> {
        self.calm
            .iter()
            .chain(&self.lists)
            .flat_map(|list| list.windows(2))
            .filter_map(|pair| Step::of(&pair[0], &pair[1]))
            .filter(|step| !step.failed)
    }

    /// Whether the second could be the first one made again, by its request.
    pub(super) fn may_repeat(&self, one: &Entry, next: &Entry) -> bool {
        !self.requests_differ
            || one.fingerprint == next.fingerprint
            || one.fingerprint == 0
            || next.fingerprint == 0
    }
}

/// Whether two calls that went well seldom make the same request, which then tells calls apart.
pub(super) fn requests_differ(calm: &[Entry], entries: &[Entry]) -> bool {
    let of = |entries: &[Entry]| -> Vec<u64> {
        let well = entries.iter().filter(|it| !it.failed());
        well.map(|it| it.fingerprint)
            .filter(|it| *it != 0)
            .collect()
    };
    let mut known = of(calm);
    if known.len() < 12 {
        known = of(entries);
    }
    let mut counts: HashMap<u64, u64> = HashMap::new();
    for fingerprint in &known {
        *counts.entry(*fingerprint).or_default() += 1;
    }
    let alike: u64 = counts.values().map(|it| it * (it - 1)).sum();
    let pairs = known.len() * known.len().saturating_sub(1);
    known.len() >= 12 && alike as f64 <= 0.06 * pairs as f64
}

/// Calls of which it is known who made the connection.
fn known(entries: &[Entry]) -> Vec<Entry> {
    entries.iter().filter(|it| it.tid != 0).copied().collect()
}

/// Calm calls by threads, as far as connections are used by who made them: then who fails to make
/// new ones had called before. Else nothing is known of how threads call.
fn threads_own(calm: &[Entry], entries: &[Entry]) -> Vec<Entry> {
    let calm = known(calm);
    let mut failed: HashMap<u32, u32> = HashMap::new();
    for entry in entries.iter().filter(|it| it.failed() && it.tid != 0) {
        *failed.entry(entry.tid).or_default() += 1;
    }
    let often = |calls: &[Entry], tid: u32| {
        calls.iter().filter(|it| it.tid == tid).count() >= OFTEN as usize
    };
    let mut callers = failed.iter().filter(|it| *it.1 >= OFTEN);
    match callers.all(|(tid, _)| often(&calm, *tid)) {
        true => calm,
        // Each call has a thread of its own.
        false if failed.values().all(|it| *it < 2 * OFTEN) => calm,
        false => Vec::new(),
    }
}

fn keying(entries: &[Entry], calm: &[Entry], requests_differ: bool) -> Keying {
    let failed = || entries.iter().filter(|it| it.failed());
    let seen = failed().filter(|it| it.fingerprint != 0).count();
    if requests_differ && seen * 10 >= failed().count() * 9 {
        return Keying::Request;
    }
    let is_single = is_in_turn(entries, Keying::Single) && is_in_turn(calm, Keying::Single);
    let mut threads: Vec<u32> = failed().map(|it| it.tid).filter(|it| *it != 0).collect();
    threads.sort_unstable();
    threads.dedup();
    if is_single && threads.len() < 2 {
        return Keying::Single;
    }
    // Who made an older connection needn't be who calls.
    let certain = failed().filter(|it| it.fresh && it.tid != 0).count();
    if certain * 10 >= failed().count() * 9
        && is_in_turn(&known(entries), Keying::Thread)
        && is_in_turn(&known(calm), Keying::Thread)
    {
        return Keying::Thread;
    }
    match is_single {
        true => Keying::Single,
        false => Keying::Crowd,
    }
}

/// Whether calls of one list hardly ever overlap.
fn is_in_turn(entries: &[Entry], keying: Keying) -> bool {
    let mut busy_until: HashMap<u64, u64> = HashMap::new();
    let (mut pairs, mut overlaps) = (0, 0);
    for entry in entries {
        if let Some(until) = busy_until.insert(key(entry, keying), entry.ended) {
            pairs += 1;
            overlaps += usize::from(entry.start + 1_000_000 < until);
        }
    }
    overlaps * 50 <= pairs
}

fn key(entry: &Entry, keying: Keying) -> u64 {
    match keying {
        Keying::Request => entry.fingerprint,
        Keying::Thread => entry.tid.into(),
        Keying::Single | Keying::Crowd => 0,
    }
}

fn lists(entries: &[Entry], keying: Keying) -> Vec<Vec<Entry>> {
    let mut places: HashMap<u64, usize> = HashMap::new();
    let mut lists: Vec<Vec<Entry>> = Vec::new();
    for entry in entries {
        let place = *places.entry(key(entry, keying)).or_insert_with(|| {
            lists.push(Vec::new());
            lists.len() - 1
        });
        lists[place].push(*entry);
    }
    lists
}
