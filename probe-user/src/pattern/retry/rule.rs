//! Which call after a failed one is that one made again: one that comes as no call comes after a
//! success.

use super::super::lanes::{Keying, Lanes, Step};
use super::super::spread::{by_chance, count_within, densest, most_above, ms, quantile, sorted};
use super::super::tape::Entry;
use super::Tally;
use super::motif::{growing, without_pause};

/// No wait before another attempt is longer.
const LONGEST_MS: f64 = 130_000.0;
/// Share of successes that a wait follows which is the caller's own pause.
const OFTEN: f64 = 0.25;
/// A wait below this is none.
const AT_ONCE_MS: f64 = 10.0;
/// How far apart two distributions of the same thing may be on a busy host, as Smirnov's test
/// measures it; a call made again for every fourth that failed takes them further.
const ALIKE: f64 = 0.15;
/// Steps after successes that it takes to know how they are.
const ENOUGH_USUAL: usize = 8;

/// Tells further attempts from new calls.
pub(super) struct Rule {
    kind: Kind,
    /// Whether a retry would have shown.
    pub(super) would_show: bool,
    requests_differ: bool,
}

enum Kind {
    /// After a success no call is like the one before.
    Same,
    /// Calls follow successes in a steady rhythm: what is outside of it.
    OffRhythm(Rhythm),
    /// Calls follow successes anyhow: waits that are too many to be chance.
    Clusters(Vec<(f64, f64)>),
    /// Calls follow failures so much sooner than successes that up to this it is no chance.
    Within(f64),
    /// How calls follow successes isn't known.
    Blind,
    /// Calls follow failures as they follow successes.
    Alike,
}

/// Bands in which calls follow successes, in milliseconds.
struct Rhythm {
    gap: Option<(f64, f64)>,
    between: Option<(f64, f64)>,
    /// A call that took longer than the rhythm's period is followed by those that were due.
    catches_up: bool,
}

impl Rule {
    /// `entries`: all calls of the link, in the order of their starts.
    pub(super) fn of(lanes: &Lanes, entries: &[Entry]) -> Self {
        let usual: Vec<Step> = lanes.usual_steps().collect();
        let calm = lanes.calm.iter().chain(&lanes.lists);
        let well = calm.flatten().filter(|it| !it.failed()).count();
        let after: Vec<Step> = steps_after_failures(lanes).collect();
        let gaps = |steps: &[Step]| sorted(steps.iter().map(|it| it.gap).collect());
        let (usual_gaps, after_gaps) = (gaps(&usual), gaps(&after));
        let kind = if usual.len() * 20 <= well && are_calls_own(lanes, well) {
            Kind::Same
        } else if usual.len() < ENOUGH_USUAL {
            of_growing(lanes, &after_gaps)
        } else if let Some(rhythm) = Rhythm::of(&usual, &after) {
            Kind::OffRhythm(rhythm)
        } else if lanes.keying == Keying::Thread && !are_threads_certain(lanes) {
            of_threads(lanes, &usual_gaps, &after_gaps)
        } else if lanes.keying == Keying::Request {
            of_broad(&at_this_rate(&usual, &after, entries), &after_gaps)
        } else {
            of_broad(&usual_gaps, &after_gaps)
        };
        let kind = match kind {
            Kind::Clusters(clusters) => Kind::Clusters(without_pause(clusters, lanes)),
            other => other,
        };
        let kind = match kind {
            Kind::Clusters(_) | Kind::Within(_)
                if lanes.keying != Keying::Request && come_alike(&usual, &after) =>
            {
                Kind::Alike
            }
            other => other,
        };
        let would_show = match &kind {
            Kind::Same => true,
            // A wait as long as the caller's own pause doesn't show, but by requests.
            Kind::OffRhythm(_) => lanes.requests_differ && are_seen(entries),
            Kind::Alike => after.len() >= 20 && lanes.keying == Keying::Request,
            Kind::Clusters(_) | Kind::Within(_) | Kind::Blind => false,
        };
        Self {
            kind,
            would_show,
            requests_differ: lanes.requests_differ,
        }
    }

    /// Whether after a success no call is like the one before: what is like it is it made again.
    pub(super) fn tells_each_call(&self) -> bool {
        matches!(self.kind, Kind::Same)
    }

    /// Whether the second call of a step, after a failure, is the first one made again.
    pub(super) fn links(&self, step: &Step) -> bool {
        step.gap <= LONGEST_MS
            && match &self.kind {
                Kind::Same | Kind::Blind => true,
                Kind::OffRhythm(rhythm) => !rhythm.holds(step),
                Kind::Clusters(clusters) => clusters
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(&step.gap)),
                Kind::Within(most) => step.gap <= *most,
                Kind::Alike => false,
            }
    }

    /// Whether what the links come to is enough.
    pub(super) fn shows(&self, tally: &Tally) -> bool {
        let share = tally.linked as f64 / tally.first_failed.max(1) as f64;
        let spread = tally.linked >= 3 || (tally.linked >= 2 && share >= 0.6);
        match self.kind {
            Kind::Same => tally.links >= 2 && share >= 0.05,
            Kind::OffRhythm(_) | Kind::Clusters(_) | Kind::Within(_) => {
                tally.links >= 3
                    && ((spread && share >= 0.25)
                        || (share >= 0.6 && tally.links >= 4)
                        || tally.regular)
            }
            Kind::Blind => tally.regular,
            Kind::Alike => false,
        }
    }

    /// What it goes by, in words.
    pub(super) fn reason(&self) -> &'static str {
        match self.kind {
            Kind::Same => "no two calls make the same request",
            Kind::OffRhythm(_) if self.requests_differ => {
                "requests and the caller's rhythm tell calls apart"
            }
            Kind::OffRhythm(_) => "the caller's steady rhythm tells calls apart",
            Kind::Clusters(_) => "waits that are too alike to be chance",
            Kind::Within(_) => "calls follow failures sooner than successes",
            Kind::Blind => "too few calls went well to compare with",
            Kind::Alike => "calls follow failures as they follow successes",
        }
    }
}

/// Whether each call has a request, or a thread, of its own.
fn are_calls_own(lanes: &Lanes, well: usize) -> bool {
    match lanes.keying {
        Keying::Request => lanes.requests_differ,
        Keying::Thread => well >= 20,
        Keying::Single | Keying::Crowd => false,
    }
}

/// Whether calls that went well were made by the threads that they stand under: on a connection of
/// their own, and not on one of a pool, which goes from hand to hand.
fn are_threads_certain(lanes: &Lanes) -> bool {
    let lists = lanes.calm.iter().chain(&lanes.lists);
    let well = || lists.clone().flatten().filter(|it| !it.failed());
    well().filter(|it| it.fresh).count() * 10 >= well().count() * 9
}

/// Whether requests of nearly all that failed are known.
fn are_seen(entries: &[Entry]) -> bool {
    let failed = || entries.iter().filter(|it| it.failed());
    failed().filter(|it| it.fingerprint != 0).count() * 10 >= failed().count() * 9
}

fn steps_after_failures(lanes: &Lanes) -> impl Iterator<Item = Step> {
    lanes.lists.iter().flat_map(|list| {
        list.windows(2)
            .filter(|pair| pair[0].failed() && lanes.may_repeat(&pair[0], &pair[1]))
            .filter_map(|pair| Step::of(&pair[0], &pair[1]))
            .filter(|step| step.gap <= LONGEST_MS)
    })
}

/// How soon the same request would come again after failures by chance: after as many calls as
/// after successes, at the rate at which calls are made while they fail.
fn at_this_rate(usual: &[Step], after: &[Step], entries: &[Entry]) -> Vec<f64> {
    let gaps = after.iter().enumerate().flat_map(|(index, step)| {
        (0..4).filter_map(move |shift| {
            let apart = usual[(index * 7 + shift * 13) % usual.len()].apart;
            let then = entries.get(step.place + apart)?;
            let end = entries[step.place].ended;
            Some(ms(then.start.saturating_sub(end)))
        })
    });
    sorted(gaps.collect())
}

/// Whether calls begin as long after failed ones as after others, from start to start: then
/// something else than their failing makes them, at its own times. A failure is over sooner, so the
/// waits from its end are others all the same.
fn come_alike(usual: &[Step], after: &[Step]) -> bool {
    let betweens = |steps: &[Step]| sorted(steps.iter().map(|it| it.between).collect());
    let (usual, after) = (betweens(usual), betweens(after));
    let apart = most_above(&after, &usual)
        .1
        .max(most_above(&usual, &after).1);
    usual.len().min(after.len()) >= 20 && apart <= ALIKE
}

/// The rule where how calls follow successes isn't known: waits that grow in one order, again and
/// again. One wait and a pause in turn may as well be two calls of one job.
fn of_growing(lanes: &Lanes, after: &[f64]) -> Kind {
    let waits = clusters(&[], after);
    match waits.len() >= 3 && growing(&waits, lanes).is_some() {
        true => Kind::Clusters(waits),
        false => Kind::Blind,
    }
}

/// The rule where calls of a thread are known after failures alone, those that went well perhaps
/// being others'. One wait after each failure may be the thread's own pause then: there have to be
/// several, or none at all, and failures that nothing follows so.
fn of_threads(lanes: &Lanes, usual: &[f64], after: &[f64]) -> Kind {
    let growing = of_growing(lanes, after);
    if matches!(growing, Kind::Clusters(_)) {
        return growing;
    }
    match of_broad(usual, after) {
        Kind::Clusters(waits) => {
            let is_inside = |gap: &&f64| {
                waits
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(*gap))
            };
            let inside = after.iter().filter(is_inside).count();
            let is_at_once = waits.iter().all(|it| it.1 < AT_ONCE_MS);
            let ends = (after.len() - inside) * 12 >= after.len();
            match (waits.len() >= 2 || is_at_once) && ends {
                true => Kind::Clusters(waits),
                false => Kind::Blind,
            }
        }
        _ => Kind::Blind,
    }
}

/// The rule where calls follow successes at any distance.
fn of_broad(usual: &[f64], after: &[f64]) -> Kind {
    let clusters = clusters(usual, after);
    let inside: usize = clusters
        .iter()
        .map(|(low, high)| count_within(after, *low, *high))
        .sum();
    if !clusters.is_empty() && inside * 10 >= after.len() * 3 {
        return Kind::Clusters(clusters);
    }
    let (at, above) = most_above(after, usual);
    let is_sooner = above > 0.3 && above > by_chance(after.len(), usual.len());
    // Sooner than nearly every success is followed: being late a little less than usual is no retry.
    let is_seldom = count_within(usual, 0.0, at) as f64 <= 0.15 * usual.len() as f64;
    match is_sooner && is_seldom && after.len() >= 10 {
        true => Kind::Within(at),
        false => Kind::Alike,
    }
}

/// Waits after failures that lie together as those after successes don't, or, where none are given,
/// as waits of any length wouldn't. Both sorted.
fn clusters(usual: &[f64], after: &[f64]) -> Vec<(f64, f64)> {
    let mut left = after.to_vec();
    let mut found = Vec::new();
    let longest = quantile(after, 0.9);
    while left.len() >= 4 && found.len() < 12 {
        let (low, high) = densest(&left, |lowest| (lowest * 0.06).max(5.0));
        let (from, to) = (left[low], left[high - 1]);
        let chance = match usual {
            [] => (to - from + 4.0) / (longest + 4.0),
            _ => {
                (count_within(usual, from - 2.0, to + 2.0) as f64 + 0.5)
                    / (usual.len() as f64 + 1.0)
            }
        };
        let expected = chance * after.len() as f64;
        let spread = (expected * (1.0 - chance)).sqrt();
        let count = (high - low) as f64;
        if count < 4.0 {
            break;
        }
        // Where a wait is as after successes, a lesser one may yet be of failures alone. What many
        // successes are followed by is the caller's pause, however much the host is late for it.
        if chance < OFTEN && count >= expected + 4.0 * spread + 2.0 {
            found.push((from - 2.0, to * 1.02 + 3.0));
        }
        left.drain(low..high);
    }
    found
}

impl Rhythm {
    fn of(usual: &[Step], after: &[Step]) -> Option<Self> {
        let gaps = sorted(usual.iter().map(|it| it.gap).collect());
        let betweens = sorted(usual.iter().map(|it| it.between).collect());
        let (gap, between) = (band(&gaps), band(&betweens));
        if gap.is_none() && between.is_none() {
            return None;
        }
        // Who sleeps after each call does so after long ones as well.
        let period = between.map_or(0.0, |(low, _)| low);
        let long: Vec<_> = after.iter().filter(|it| it.took >= period).collect();
        let sleeps = gap.is_some_and(|(low, high)| {
            let inside = long.iter().filter(|it| (low..=high).contains(&it.gap));
            low > 3.0 && inside.count() * 8 >= long.len()
        });
        Some(Self {
            gap,
            catches_up: between.is_some() && !sleeps,
            between: between.filter(|_| !sleeps),
        })
    }

    fn holds(&self, step: &Step) -> bool {
        let is_in = |band: Option<(f64, f64)>, value: f64| {
            band.is_some_and(|(low, high)| (low..=high).contains(&value))
        };
        let late = self
            .between
            .is_some_and(|(low, high)| self.catches_up && step.took >= low && step.gap <= high);
        is_in(self.gap, step.gap) || is_in(self.between, step.between) || late
    }
}

/// Where nearly all of a sorted sample lies, if that is narrow.
fn band(values: &[f64]) -> Option<(f64, f64)> {
    let (low, middle, high) = (
        quantile(values, 0.05),
        quantile(values, 0.5),
        quantile(values, 0.95),
    );
    let slack = (middle * 0.12).max(6.0);
    (quantile(values, 0.9) - quantile(values, 0.1) <= slack).then_some((low - slack, high + slack))
}
