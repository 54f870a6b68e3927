//! Fallback: a dependency's calls come to nothing, and the service's own go well all the same; or
//! another dependency takes over. Calls that a retry saved came to something.

use super::circuit_breaker::is_open_between;
use super::finding::{CircuitBreaker, Fallback, Ground};
use super::link::Link;
use super::reading::Reading;
use super::retry::Chains;
use super::spread::ms;
use super::tape::Entry;

/// Failed attempts in a row that make an outage.
const OUTAGE: usize = 5;
/// Inbound calls that would have failed without it.
const ENOUGH: f64 = 8.0;

/// Tells whether the service does without the dependency.
/// `kept_out`: times in which as many calls were in flight as a bulkhead lets.
pub(super) fn judge(
    reading: &Reading,
    chains: &Chains,
    breaker: &CircuitBreaker,
    kept_out: &[(u64, u64)],
) -> Fallback {
    let mut outages = outages(&reading.entries, breaker);
    outages.extend(kept_out);
    let alternate = outages.first().and_then(|_| alternate(reading, &outages));
    match reading.attempts_per_inbound() {
        Some(ratio) if is_asked_for(reading) => {
            let lost = would_be_lost(reading, chains, &outages, ratio.min(1.0));
            by_inbound(&lost, alternate)
        }
        _ => by_alternate(reading, chains, alternate),
    }
}

/// Inbound calls while the dependency was out.
struct Lost {
    inbound: usize,
    failed: usize,
    /// How many needed the dependency.
    due: f64,
}

fn by_inbound(lost: &Lost, alternate: Option<(u32, f64)>) -> Fallback {
    let Lost {
        inbound,
        failed,
        due,
    } = *lost;
    let share = failed as f64 / due.max(1.0);
    let success = 1.0 - failed as f64 / inbound.max(1) as f64;
    let told = format!(
        "{} of {inbound} inbound calls went well while the dependency's came to nothing",
        inbound - failed
    );
    let ground = match share {
        _ if due < ENOUGH => Ground::unknown(format!("{told}: too few")),
        share if share <= 0.2 => Ground::observed(inbound, told),
        share if share >= 0.6 => Ground::absent(inbound, told),
        _ => Ground::unknown(told),
    };
    Fallback {
        ground,
        success_rate: (inbound > 0).then_some((success * 1e3).round() / 1e3),
        alternate: alternate.map(|it| it.0),
    }
}

/// Where nobody calls the service, only an alternate tells.
fn by_alternate(reading: &Reading, chains: &Chains, alternate: Option<(u32, f64)>) -> Fallback {
    let failed = match chains.sure {
        true => chains.list.iter().filter(|it| it.failed()).count(),
        false => reading.entries.iter().filter(|it| it.failed()).count(),
    };
    let Some((dependency, success)) = alternate.filter(|_| failed >= OUTAGE) else {
        let reason = match failed {
            0 => "no call failed",
            _ => "no inbound calls tell whether the service did without",
        };
        return Fallback {
            ground: Ground::unknown(reason),
            ..Fallback::default()
        };
    };
    let evidence = format!(
        "another dependency was called instead, {:.0} % of it well",
        success * 100.0
    );
    Fallback {
        ground: Ground::observed(failed, evidence).at_most(0.85),
        success_rate: Some((success * 1e3).round() / 1e3),
        alternate: Some(dependency),
    }
}

/// Times in which every attempt failed, or none was made because the breaker was open.
fn outages(entries: &[Entry], breaker: &CircuitBreaker) -> Vec<(u64, u64)> {
    let mut by_end: Vec<&Entry> = entries.iter().collect();
    by_end.sort_by_key(|it| it.ended);
    let mut found = Vec::new();
    let mut answered = 0;
    for run in by_end.chunk_by(|a, b| a.failed() == b.failed()) {
        // While the first one waited to fail, others may still have been answered.
        let (from, to) = (run[0].start.max(answered), run[run.len() - 1].ended);
        answered = to;
        let is_long = run.len() >= OUTAGE || is_open_between(breaker, from, to);
        if run[0].failed() && is_long {
            found.push((from, to));
        }
    }
    found
}

/// Whether the dependency's calls are made for inbound ones: nearly all begin while one is served,
/// and that is no accident.
fn is_asked_for(reading: &Reading) -> bool {
    let Some(first) = reading.inbound.first() else {
        return false;
    };
    let all = reading.calm.iter().chain(&reading.entries);
    let known: Vec<&Entry> = all.filter(|it| it.start > first.ended_ns).collect();
    let is_served = |at: u64| {
        let upto = reading.inbound.partition_point(|it| it.began_ns <= at);
        let recent = &reading.inbound[upto.saturating_sub(512)..upto];
        // Events of a call and of what it asked for are not stamped at the very same place.
        recent.iter().any(|it| at <= it.ended_ns + 1_000_000)
    };
    let served = known.iter().filter(|it| is_served(it.start)).count();
    known.len() >= 5 && served * 10 >= known.len() * 9
}

/// Inbound calls during outages, or, where there are none, as many as logical calls failed.
fn would_be_lost(reading: &Reading, chains: &Chains, outages: &[(u64, u64)], ratio: f64) -> Lost {
    let mut lost = Lost {
        inbound: 0,
        failed: 0,
        due: 0.0,
    };
    for (from, to) in outages {
        for call in reading.inbound_within(*from, *to) {
            lost.inbound += 1;
            lost.failed += usize::from(call.outcome.failed());
        }
    }
    lost.due = lost.inbound as f64 * ratio;
    if lost.due >= ENOUGH || !chains.sure {
        return lost;
    }
    let failed: Vec<_> = chains
        .list
        .iter()
        .filter(|it| it.failed() && !it.cut_off)
        .collect();
    let from = failed.iter().map(|it| it.attempts[0].start).min();
    let to = failed
        .iter()
        .filter_map(|it| it.attempts.last())
        .map(|it| it.ended)
        .max();
    let Some((from, to)) = from.zip(to).filter(|_| failed.len() as f64 >= ENOUGH) else {
        return lost;
    };
    let calls = reading.inbound_within(from.saturating_sub(100_000_000), to + 1_000_000_000);
    let (mut inbound, mut bad) = (0, 0);
    for call in calls {
        inbound += 1;
        bad += usize::from(call.outcome.failed());
    }
    // Where few calls came to nothing, which inbound calls those were isn't known; nor where some
    // attempts go well, which calls they save.
    let attempts = reading.started(from, to);
    let well = attempts.iter().filter(|it| !it.failed()).count();
    let due = match failed.len() * 2 >= inbound && well * 10 <= attempts.len() {
        true => (failed.len() as f64).min(inbound as f64),
        false => 0.0,
    };
    Lost {
        inbound,
        failed: bad,
        due,
    }
}

/// A sibling that was called far more during outages than before, and answers well; with the share
/// of its calls that went well.
fn alternate(reading: &Reading, outages: &[(u64, u64)]) -> Option<(u32, f64)> {
    let first = outages[0].0;
    let took_over = |link: &Link| {
        let before_from = link.pulse.since().max(first.saturating_sub(30_000_000_000));
        let before = link.pulse.between(before_from, first);
        let seconds = ms(first.saturating_sub(before_from)) / 1e3;
        let was = f64::from(before.began) / seconds.max(1.0);
        let (mut began, mut failed, mut lasted) = (0, 0, 0.0);
        for (from, to) in outages {
            let beat = link.pulse.between(*from, *to);
            began += beat.began;
            failed += beat.failed;
            lasted += ms(to - from) / 1e3;
        }
        let is = f64::from(began) / f64::max(lasted, 0.5);
        let rise = is - was;
        let success = 1.0 - f64::from(failed) / f64::from(began.max(1));
        let enough = began >= 5 && is >= 2.0 * was && rise >= 0.3 * reading.rhythm.rate;
        (enough && success >= 0.8).then_some((rise, success))
    };
    let risen = reading.siblings().filter_map(|(dependency, link)| {
        took_over(link).map(|(rise, success)| (dependency, rise, success))
    });
    risen
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(dependency, _, success)| (dependency, success))
}
