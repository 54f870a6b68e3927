//! One link's record laid out for the detectors: in the order in which calls began, with what is
//! known of the demand beside it. Made once a verdict, of a bounded record.

mod given_up;

use super::attempt::Inbound;
use super::ledger::Ledger;
use super::link::{Link, Service};
use super::spread::{ms, quantile, sorted};
use super::tape::Entry;

/// See the file's head.
pub(super) struct Reading<'a> {
    pub(super) dependency: u32,
    pub(super) link: &'a Link,
    pub(super) service: &'a Service,
    pub(super) ledger: &'a Ledger,
    pub(super) now_ns: u64,
    /// Times in which events were lost.
    pub(super) lost: &'a [(u64, u64)],
    /// Troubled times and their margins, by start.
    pub(super) entries: Vec<Entry>,
    /// Calm times, by start.
    pub(super) calm: Vec<Entry>,
    /// Inbound calls, by beginning.
    pub(super) inbound: Vec<Inbound>,
    pub(super) rhythm: Rhythm,
    /// Whether the same request twice in a row is rare.
    pub(super) requests_differ: bool,
}

/// How a caller called in calm times.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rhythm {
    /// Calls in a second; 0 where there were too few to tell.
    pub(super) rate: f64,
    /// Milliseconds without a call under way: all but one in a hundred were shorter.
    pub(super) longest_idle_ms: f64,
    /// Most calls under way at once.
    pub(super) most_at_once: u32,
    /// Geometric mean is of no use here: the middle wait, in milliseconds.
    pub(super) wait_ms: f64,
}

impl<'a> Reading<'a> {
    pub(super) fn of(
        dependency: u32,
        service: &'a Service,
        ledger: &'a Ledger,
        now_ns: u64,
    ) -> Self {
        let link = &service.links[&dependency];
        let by_start = |entries: Vec<Entry>| {
            let mut entries = entries;
            entries.sort_by_key(|it| it.start);
            for (place, entry) in entries.iter_mut().enumerate() {
                entry.place = place as u32;
            }
            entries
        };
        let calm = by_start(link.tape.calm().copied().collect());
        let mut inbound: Vec<_> = service.inbound.iter().copied().collect();
        inbound.sort_by_key(|it| it.began_ns);
        let mut entries = by_start(link.tape.troubled().copied().collect());
        let rhythm = Rhythm::of(&calm, &entries);
        given_up::mark(&mut entries, rhythm.wait_ms, &inbound, service, dependency);
        Self {
            requests_differ: super::lanes::requests_differ(&calm, &entries),
            dependency,
            link,
            service,
            ledger,
            now_ns,
            lost: &[],
            rhythm,
            entries,
            calm,
            inbound,
        }
    }

    /// Whether events were lost in times that matter here: then what isn't seen proves nothing.
    pub(super) fn lost_any(&self) -> bool {
        let since = self.entries.first().map_or(u64::MAX, |it| it.start);
        self.lost.last().is_some_and(|it| it.1 >= since)
    }

    /// Whether events were lost at any time between two moments.
    pub(super) fn lost_between(&self, from: u64, to: u64) -> bool {
        self.lost.iter().any(|it| it.0 < to && from < it.1)
    }

    /// Attempts for each inbound call in calm times; none where too few of them came.
    pub(super) fn attempts_per_inbound(&self) -> Option<f64> {
        let (attempts, inbound) = (self.link.calm_attempts, self.link.calm_inbound);
        let ratio = attempts as f64 / inbound.max(1) as f64;
        (inbound >= 10 && attempts >= 5 && ratio <= 20.0).then_some(ratio)
    }

    /// Inbound calls that began and ended between two moments.
    pub(super) fn inbound_within(&self, from: u64, to: u64) -> impl Iterator<Item = &Inbound> {
        let low = self.inbound.partition_point(|it| it.began_ns < from);
        self.inbound[low..]
            .iter()
            .take_while(move |it| it.began_ns < to)
            .filter(move |it| it.ended_ns <= to)
    }

    /// Inbound calls that began between two moments.
    pub(super) fn inbound_begun(&self, from: u64, to: u64) -> usize {
        let low = self.inbound.partition_point(|it| it.began_ns < from);
        let high = self.inbound.partition_point(|it| it.began_ns < to);
        high.saturating_sub(low)
    }

    /// The other dependencies of the service.
    pub(super) fn siblings(&self) -> impl Iterator<Item = (u32, &Link)> {
        self.service
            .links
            .iter()
            .filter(|(dependency, _)| **dependency != self.dependency)
            .map(|(&dependency, link)| (dependency, link))
    }

    /// Starts of attempts between two moments.
    pub(super) fn started(&self, from: u64, to: u64) -> &[Entry] {
        let low = self.entries.partition_point(|it| it.start < from);
        let high = self.entries.partition_point(|it| it.start < to);
        &self.entries[low..high.max(low)]
    }
}

impl Rhythm {
    fn of(calm: &[Entry], entries: &[Entry]) -> Self {
        let (Some(first), Some(last)) = (calm.first(), calm.last()) else {
            return Self::default();
        };
        if calm.len() < 8 || last.start <= first.start {
            return Self::default();
        }
        let (mut idle, troubled_ms) = idle_gaps_ms(calm, entries);
        let span = (last.start - first.start) as f64 / 1e9;
        let waits = sorted(calm.iter().map(|it| ms(it.age())).collect());
        // Where calm times were interrupted by trouble, the record has holes.
        let longer = idle.split_off(whole(&idle));
        let holes = (longer.iter().sum::<f64>() + troubled_ms) / 1e3;
        Self {
            rate: (calm.len() - 1) as f64 / (span - holes).max(span / 100.0),
            longest_idle_ms: quantile(&idle, 0.99),
            most_at_once: most_at_once(calm),
            wait_ms: quantile(&waits, 0.5),
        }
    }
}

/// Times without a call under way, sorted; and the sum of those in which there was trouble.
fn idle_gaps_ms(calm: &[Entry], entries: &[Entry]) -> (Vec<f64>, f64) {
    let failed: Vec<u64> = entries
        .iter()
        .filter(|it| it.failed())
        .map(|it| it.start)
        .collect();
    let mut busy_until = calm[0].ended;
    let (mut gaps, mut troubled_ms) = (Vec::new(), 0.0);
    for entry in &calm[1..] {
        if entry.start > busy_until {
            let gap = ms(entry.start - busy_until);
            let next = failed.partition_point(|it| *it < busy_until);
            match failed.get(next).is_some_and(|it| *it < entry.start) {
                true => troubled_ms += gap,
                false => gaps.push(gap),
            }
        }
        busy_until = busy_until.max(entry.ended);
    }
    (sorted(gaps), troubled_ms)
}

/// How many of the gaps aren't so much longer than any usual one that they are holes in the record.
fn whole(sorted_gaps: &[f64]) -> usize {
    let longest = (10.0 * quantile(sorted_gaps, 0.95)).max(1_000.0);
    sorted_gaps.partition_point(|gap| *gap <= longest)
}

/// Most calls that were under way at once.
pub(super) fn most_at_once(entries: &[Entry]) -> u32 {
    let mut steps: Vec<(u64, i32)> = entries
        .iter()
        .flat_map(|it| [(it.start, 1), (it.ended, -1)])
        .collect();
    steps.sort_unstable();
    let (mut level, mut most) = (0_i32, 0_i32);
    for (_, step) in steps {
        level += step;
        most = most.max(level);
    }
    most.max(0) as u32
}
