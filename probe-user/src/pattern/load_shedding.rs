//! Load shedding: under overload a share of the inbound calls is refused, and fast, while those
//! let in take as long as ever. Errors that a failing dependency causes are none of it.

use super::attempt::{Inbound, Outcome};
use super::finding::{Ground, LoadShedding};
use super::reading::Reading;
use super::spread::{ms, quantile, sorted};

/// Refused calls that it takes.
const ENOUGH: usize = 5;
/// More inbound calls than usual by that factor are an overload.
const OVERLOAD: f64 = 1.3;
/// Calls that come at random come in crowds, too: so many standard deviations above the usual are no
/// chance.
const SIGMAS: f64 = 5.0;
/// Refusing takes no longer than that, or half as long as serving.
const FAST_MS: f64 = 20.0;
const SECOND: u64 = 1_000_000_000;

/// Tells whether the service refuses calls to serve the rest.
pub(super) fn judge(reading: &Reading) -> LoadShedding {
    let unknown = |reason: String| LoadShedding {
        ground: Ground::unknown(reason),
        ..LoadShedding::default()
    };
    if reading.inbound.is_empty() {
        return unknown("the service got no calls".into());
    }
    let outages = outages(reading);
    let refused: Vec<&Inbound> = reading
        .inbound
        .iter()
        .filter(|it| is_refusal(it) && !is_in(&outages, it) && !is_dependency_failing(reading, it))
        .collect();
    if refused.len() < ENOUGH {
        return overload_without(reading)
            .unwrap_or_else(|| unknown(format!("{} calls were refused", refused.len())));
    }
    let (from, to) = worst_stretch(&refused);
    let low = reading.inbound.partition_point(|it| it.began_ns < from);
    let high = reading.inbound.partition_point(|it| it.began_ns <= to);
    let during = &reading.inbound[low..high];
    let refused: Vec<&Inbound> = refused
        .into_iter()
        .filter(|it| (from..=to).contains(&it.began_ns))
        .collect();
    let waits = |calls: &mut dyn Iterator<Item = &Inbound>| {
        sorted(
            calls
                .map(|it| ms(it.ended_ns.saturating_sub(it.began_ns)))
                .collect(),
        )
    };
    let shed = waits(&mut refused.iter().copied());
    let admitted = waits(&mut during.iter().filter(|it| it.outcome == Outcome::Ok));
    let share = refused.len() as f64 / during.len().max(1) as f64;
    let was = usual(reading);
    let rate = during.len() as f64 / (ms(to - from) / 1e3).max(0.2);
    let fast = quantile(&shed, 0.9) <= FAST_MS.max(0.5 * quantile(&admitted, 0.5));
    let expected = was.rate * ms(to - from) / 1e3;
    let is_chance = during.len() as f64 <= expected + SIGMAS * expected.sqrt();
    let overloaded = rate >= OVERLOAD * was.rate && was.rate > 0.0 && !is_chance;
    let outside = reading
        .inbound
        .iter()
        .filter(|it| it.outcome == Outcome::Ok && !(from..=to).contains(&it.began_ns));
    let outside = waits(&mut outside.into_iter());
    let usual_ms = match outside.len() {
        0..8 => was.wait_ms,
        _ => quantile(&outside, 0.5),
    };
    let kept = quantile(&admitted, 0.5) <= 3.0 * usual_ms.max(1.0);
    let told = format!(
        "{} of {} inbound calls were refused within {:.1} ms at {rate:.0} calls/s, {:.0} before",
        refused.len(),
        during.len(),
        quantile(&shed, 0.99),
        was.rate
    );
    let ground = if !overloaded {
        Ground::unknown(format!("{told}: no overload"))
    } else if !fast || admitted.len() < ENOUGH {
        Ground::unknown(format!("{told}: not fast, or nobody was let in"))
    } else if !kept {
        Ground::unknown(format!(
            "{told}; those let in took {:.0} ms",
            quantile(&admitted, 0.5)
        ))
    } else {
        Ground::observed(refused.len(), told)
    };
    LoadShedding {
        ground,
        shed_rate: Some((share * 1e3).round() / 1e3),
        shed_p99_ms: Some(quantile(&shed, 0.99)),
        admitted_p99_ms: Some(quantile(&admitted, 0.99)),
    }
}

/// Refused for want of capacity, by HTTP's statuses or gRPC's, or without a word.
fn is_refusal(call: &Inbound) -> bool {
    match call.outcome {
        Outcome::Error => matches!(call.status, Some(429 | 503 | 8)),
        Outcome::Reset | Outcome::Closed | Outcome::Refused => true,
        Outcome::Ok | Outcome::ConnectTimeout | Outcome::Abandoned => false,
    }
}

/// Times from a dependency's failure until it is known to answer again, sorted: whoever is refused
/// then may be refused by its breaker.
fn outages(reading: &Reading) -> Vec<(u64, u64)> {
    let mut all = Vec::new();
    for link in reading.service.links.values() {
        let mut since = None;
        for entry in link.tape.troubled() {
            match (entry.failed(), since) {
                (true, None) => since = Some(entry.start),
                (false, Some(from)) => {
                    all.push((from, entry.ended));
                    since = None;
                }
                _ => {}
            }
        }
        all.extend(since.map(|from| (from, u64::MAX)));
    }
    all.sort_unstable();
    // Those that overlap become one, so that the last one that began is the one to ask.
    all.dedup_by(|next, last| {
        let overlap = next.0 <= last.1;
        if overlap {
            last.1 = last.1.max(next.1);
        }
        overlap
    });
    all
}

fn is_in(outages: &[(u64, u64)], call: &Inbound) -> bool {
    let before = outages.partition_point(|it| it.0 <= call.ended_ns);
    before > 0 && call.began_ns <= outages[before - 1].1
}

/// Whether a dependency failed just then, or was left alone because it had.
fn is_dependency_failing(reading: &Reading, call: &Inbound) -> bool {
    reading.service.links.values().any(|link| {
        let from = call.began_ns.saturating_sub(SECOND);
        let beat = link.pulse.between(from, call.ended_ns + SECOND / 2);
        let faulted = reading.ledger.windows().iter().any(|it| {
            it.from_ns <= call.ended_ns && call.began_ns < it.to_ns.saturating_add(5 * SECOND)
        });
        beat.failed * 10 > beat.began || (faulted && link.troubled_until >= call.began_ns)
    })
}

/// How inbound calls came and were served.
#[derive(Clone, Copy, Default)]
struct Usual {
    rate: f64,
    wait_ms: f64,
}

/// In the calmer half of the record.
fn usual(reading: &Reading) -> Usual {
    let pulse = &reading.service.inbound_pulse;
    let (mut second, mut seconds) = (pulse.since(), Vec::new());
    while second + SECOND <= pulse.until() {
        seconds.push(pulse.between(second, second + SECOND));
        second += SECOND;
    }
    seconds.retain(|it| it.began > 0);
    seconds.sort_by_key(|it| it.began);
    seconds.truncate(seconds.len().div_ceil(2));
    let began: u32 = seconds.iter().map(|it| it.began).sum();
    let log_wait: f32 = seconds.iter().map(|it| it.log_wait).sum();
    if seconds.len() < 3 || began < 8 {
        return Usual::default();
    }
    Usual {
        rate: f64::from(began) / seconds.len() as f64,
        wait_ms: f64::from((log_wait / began as f32).exp()) / 1e3,
    }
}

/// The longest time in which calls were refused again and again.
fn worst_stretch(refused: &[&Inbound]) -> (u64, u64) {
    let stretches = refused.chunk_by(|a, b| b.began_ns.saturating_sub(a.began_ns) < SECOND);
    let worst = stretches.max_by_key(|it| it.len());
    worst.map_or((0, 0), |it| (it[0].began_ns, it[it.len() - 1].began_ns))
}

/// Whether there was an overload, the service grew slow with it, and refused nobody.
fn overload_without(reading: &Reading) -> Option<LoadShedding> {
    let end = reading.inbound.last()?.began_ns;
    let start = reading.service.inbound_pulse.since();
    let pulse = &reading.service.inbound_pulse;
    let (mut worst, mut at) = (0, start);
    let mut second = start;
    while second + 2 * SECOND <= end {
        let began = pulse.between(second, second + 2 * SECOND).began;
        if began > worst {
            (worst, at) = (began, second);
        }
        second += SECOND;
    }
    let was = usual(reading);
    let beat = pulse.between(at, at + 2 * SECOND);
    let wait_ms = f64::from((beat.log_wait / beat.began.max(1) as f32).exp()) / 1e3;
    let overloaded = was.rate > 0.0 && f64::from(worst) >= 2.0 * 2.0 * was.rate && worst >= 40;
    (overloaded && wait_ms >= 4.0 * was.wait_ms && beat.failed == 0).then(|| {
        let evidence = format!(
            "{worst} calls in 2 s, {:.0} a second before; all were let in and took {wait_ms:.0} ms, {:.0} before",
            was.rate, was.wait_ms
        );
        LoadShedding { ground: Ground::absent(worst as usize, evidence), ..LoadShedding::default() }
    })
}
