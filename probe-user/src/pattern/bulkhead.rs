//! Bulkhead: calls in flight to a slow dependency reach a limit and stay there, though there is
//! demand for more, and the rest of the service goes on. Calls in flight that only follow from
//! how fast calls come and how long they take aren't limited; nor is a caller that has only so
//! many hands.

use super::finding::{Bulkhead, Ground};
use super::reading::Reading;
use super::spread::{median, ms};
use super::tape::Entry;

/// Calls kept out that it takes for a limit to show.
const KEPT_OUT: f64 = 5.0;
/// So many aren't kept out by accident, however many are let in.
const SURELY_KEPT_OUT: f64 = 10.0;
/// Who leaves gives up his place before his connection is closed: so long before, at most.
const LEAVES_NS: u64 = 3_000_000;
/// Calls that have to end and make room for others while the limit holds.
const REFILLED: usize = 3;
/// How long it takes a service to get from its own caller's request to its call.
const ON_THE_WAY_NS: u64 = 15_000_000;

/// A stretch in which as many calls were in flight as ever.
#[derive(Clone, Copy)]
struct Stretch {
    from: u64,
    to: u64,
}

/// Calls in flight over time.
struct Levels {
    most: u32,
    at_most: Vec<Stretch>,
    /// From first reaching the most to leaving it for good.
    span: Stretch,
    total_ns: u64,
}

/// Tells whether calls in flight stop at a limit; and when they were at it.
pub(super) fn judge(reading: &Reading) -> (Bulkhead, Vec<(u64, u64)>) {
    let usual_ms = reading.rhythm.wait_ms;
    let Some(levels) = levels(&reading.entries, usual_ms) else {
        let ground = Ground::unknown("the dependency wasn't slow");
        return (
            Bulkhead {
                ground,
                ..Bulkhead::default()
            },
            Vec::new(),
        );
    };
    let calm = reading.rhythm.most_at_once;
    let ground = if reading.lost_any() {
        Ground::unknown("events were lost")
    } else if calm >= levels.most && reading.attempts_per_inbound().is_none() {
        Ground::unknown(format!(
            "{} calls were in flight at most, as in calm times",
            levels.most
        ))
    } else {
        by_demand(reading, &levels)
    };
    let is_observed = ground.verdict == super::Verdict::Observed;
    let isolates = match is_observed {
        true => isolated(reading, levels.span),
        false => Vec::new(),
    };
    let bulkhead = Bulkhead {
        ground,
        limit: is_observed.then_some(levels.most),
        isolates,
    };
    let kept_out = levels.at_most.iter().filter(|_| is_observed);
    (bulkhead, kept_out.map(|it| (it.from, it.to)).collect())
}

/// Calls in flight since they set out; or since they made their requests, where they are as many as
/// ever for far longer by that. Who connects for a call, but lets it have whichever connection is
/// free first, has connections left over that nobody waited for.
fn levels(entries: &[Entry], usual_ms: f64) -> Option<Levels> {
    let set_out = Levels::of(entries, usual_ms, |it| it.start)?;
    let asked = Levels::of(entries, usual_ms, |it| it.began);
    let is_ahead = |asked: &Levels| {
        let few = asked.most < set_out.most && set_out.most * 2 <= asked.most * 3;
        few && asked.total_ns > 2 * set_out.total_ns
    };
    Some(asked.filter(is_ahead).unwrap_or(set_out))
}

fn by_demand(reading: &Reading, levels: &Levels) -> Ground {
    let Levels { most, span, .. } = levels;
    let seconds = ms(span.to - span.from) / 1e3;
    let made = reading.started(span.from, span.to).len() as f64;
    let Some(ratio) = reading.attempts_per_inbound() else {
        let due = reading.rhythm.rate * seconds;
        return without_inbound(reading, levels, made, due);
    };
    let (mut kept_out, mut answered) = (0, 0);
    for stretch in &levels.at_most {
        let Some(until) = stretch.to.checked_sub(ON_THE_WAY_NS) else {
            continue;
        };
        kept_out += reading.inbound_begun(stretch.from, until);
        answered += reading.inbound_within(stretch.from, stretch.to).count();
    }
    let due = reading.inbound_begun(span.from, span.to) as f64 * ratio;
    let out = kept_out as f64 * ratio.min(1.0);
    // Where nothing ends, calls that are still under way may be missing from the record.
    let stays = levels.total_ns * 5 >= span.to - span.from && is_refilled(reading, levels);
    let goes_on = answered >= 2 || !isolated(reading, *span).is_empty();
    let is_kept_out = stays
        && ((out >= SURELY_KEPT_OUT && seconds >= 1.0) || (out >= KEPT_OUT && made < 0.85 * due));
    if is_kept_out && goes_on {
        let evidence = format!(
            "{most} calls were in flight for {seconds:.1} s and never more, while {kept_out} inbound calls came and the service went on"
        );
        return Ground::observed(kept_out, evidence).showing(exhibits(reading, levels));
    }
    if is_kept_out {
        return Ground::unknown(format!(
            "at {most} calls in flight the whole service stood still"
        ));
    }
    match out >= 1.0 {
        true => Ground::unknown(format!(
            "{most} calls were in flight at most while {kept_out} inbound calls came: too few to tell"
        )),
        false => grew(reading, levels, made, due),
    }
}

/// Whether calls ended, and others took their places.
fn is_refilled(reading: &Reading, levels: &Levels) -> bool {
    let span = levels.span;
    let ended = reading
        .entries
        .iter()
        .filter(|it| span.from < it.ended && it.ended < span.to);
    levels.at_most.len() >= 2 && ended.count() >= REFILLED
}

/// Whether calls in flight grew with demand, and nothing stopped them.
fn grew(reading: &Reading, levels: &Levels, made: f64, due: f64) -> Ground {
    let calm = reading.rhythm.most_at_once.max(1);
    let most = levels.most;
    if most >= 10 && most >= 4 * calm && made >= 0.85 * due && due >= 10.0 {
        let evidence = format!("{most} calls were in flight at once and none was kept out");
        return Ground::absent(most as usize, evidence);
    }
    Ground::unknown(format!(
        "{most} calls were in flight at most, and it isn't known that more would have come: {made:.0} were made of {due:.0} that were due"
    ))
}

/// Where only the service's other dependencies, or its own rhythm, tell the demand.
fn without_inbound(reading: &Reading, levels: &Levels, made: f64, due: f64) -> Ground {
    let Levels {
        most,
        span,
        total_ns,
        ..
    } = levels;
    let stays =
        *total_ns as f64 >= 0.7 * (span.to - span.from) as f64 && is_refilled(reading, levels);
    let kept_out = due - made;
    let calm = reading.rhythm.most_at_once;
    if kept_out < KEPT_OUT.max(3.0 * due.sqrt())
        || made >= 0.75 * due
        || !stays
        || *most < 2
        || calm * 3 > *most * 2
    {
        return grew(reading, levels, made, due);
    }
    let siblings = isolated(reading, *span);
    let refill = refill_ms(&reading.entries, levels);
    // So many workers, each with its own pause between calls, would take that long to come back.
    let pause = 1e3 * f64::from(*most) / reading.rhythm.rate - reading.rhythm.wait_ms;
    let is_queued = refill.is_some_and(|it| it * 4.0 <= pause) && pause >= 20.0;
    let threads: std::collections::HashSet<u32> = reading
        .started(span.from, span.to)
        .iter()
        .map(|it| it.tid)
        .collect();
    let are_hands = threads.len() as u32 >= *most && *most > 1;
    if siblings.is_empty() && (!is_queued || are_hands) {
        return Ground::unknown(format!(
            "{most} calls were in flight, as many as the caller may have hands"
        ));
    }
    let evidence = format!(
        "{most} calls were in flight and never more, where {:.0} were made of {due:.0} that were due",
        made
    );
    Ground::observed(kept_out as usize, evidence)
        .showing(exhibits(reading, levels))
        .at_most(0.75)
}

/// The middle time from a call's end to the next one's start, while in flight at the most.
fn refill_ms(entries: &[Entry], levels: &Levels) -> Option<f64> {
    // Who failed may try again at once, which is no other caller's turn.
    let mut ends: Vec<u64> = entries
        .iter()
        .filter(|it| !it.failed())
        .map(|it| it.ended)
        .collect();
    ends.sort_unstable();
    let refills: Vec<f64> = levels
        .at_most
        .iter()
        .filter_map(|stretch| {
            let before = ends.partition_point(|it| *it <= stretch.from);
            let last = ends.get(before.checked_sub(1)?)?;
            let took_turn = stretch.from - last < 1_000_000_000;
            (*last >= levels.span.from && took_turn).then(|| ms(stretch.from - last))
        })
        .collect();
    (refills.len() >= 5).then(|| median(&refills))
}

/// Other dependencies that were called as before, and answered as before.
fn isolated(reading: &Reading, span: Stretch) -> Vec<u32> {
    let as_before = |link: &super::link::Link| {
        let before_from = link
            .pulse
            .since()
            .max(span.from.saturating_sub(20_000_000_000));
        let before = link.pulse.between(before_from, span.from);
        let during = link.pulse.between(span.from, span.to);
        let seconds = |from: u64, to: u64| to.saturating_sub(from) as f64 / 1e9;
        let rate = |count: u32, seconds: f64| f64::from(count) / seconds.max(0.25);
        let (was, is) = (
            rate(before.began, seconds(before_from, span.from)),
            rate(during.began, seconds(span.from, span.to) - 0.25),
        );
        let wait = |beat: super::link::Beat| beat.log_wait / beat.began.max(1) as f32;
        before.began >= 8
            && during.began >= 4
            && is >= 0.6 * was
            && wait(during) < wait(before) + 1.0
    };
    let siblings = reading.siblings().filter(|(_, link)| as_before(link));
    siblings.map(|(dependency, _)| dependency).collect()
}

fn exhibits(reading: &Reading, levels: &Levels) -> Vec<super::finding::Exhibit> {
    let Some(first) = levels.at_most.first() else {
        return Vec::new();
    };
    let inside = |it: &&Entry| it.start <= first.from && it.ended > first.from;
    reading
        .entries
        .iter()
        .filter(inside)
        .map(Entry::exhibit)
        .collect()
}

impl Levels {
    /// While calls were slow: those that took far longer than usual. What was held back until then
    /// is no part of it.
    fn of(entries: &[Entry], usual_ms: f64, begins: impl Fn(&Entry) -> u64) -> Option<Self> {
        let is_slow = |it: &&Entry| ms(it.ended - begins(it)) >= 4.0 * usual_ms + 20.0;
        let first = entries.iter().filter(is_slow).map(&begins).min()?;
        let last = entries.iter().filter(is_slow).map(&begins).max()?;
        let mut steps: Vec<(u64, i32)> = entries
            .iter()
            .flat_map(|it| {
                let from = begins(it);
                let left = it.ended.saturating_sub(LEAVES_NS).max(from + 1);
                [(from, 1), (left, -1)]
            })
            .collect();
        steps.sort_unstable();
        let mut levels = Vec::with_capacity(steps.len());
        let mut level = 0;
        for (index, (at, step)) in steps.iter().enumerate() {
            level += step;
            let until = steps.get(index + 1).map_or(*at, |it| it.0);
            if *at >= first && *at <= last {
                levels.push((
                    level,
                    Stretch {
                        from: *at,
                        to: until,
                    },
                ));
            }
        }
        let most = levels.iter().map(|it| it.0).max()?;
        let at_most = levels.iter().filter(|it| it.0 == most).map(|it| it.1);
        let at_most: Vec<Stretch> = at_most.collect();
        let span = Stretch {
            from: at_most.first()?.from,
            to: at_most.last()?.to,
        };
        let total_ns = at_most.iter().map(|it| it.to - it.from).sum();
        Some(Self {
            most: most.try_into().ok()?,
            at_most,
            span,
            total_ns,
        })
    }
}
