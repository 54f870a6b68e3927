//! Circuit breaker: after failures calls stop, though there is demand for them; then one or a few
//! are made to see. Demand is told by inbound calls that are answered meanwhile, by the service's
//! other dependencies, or, with less confidence, by the caller's own rhythm before.

mod denial;
mod share;
mod silence;

use super::finding::{CircuitBreaker, Ground, Retry, State, Transition, Verdict};
use super::reading::Reading;
use super::retry::Chains;
use super::spread::{median, ms, quantile, sorted};
use super::tape::Entry;
use silence::{Demand, Silence, Silences};

/// Most calls let through to see that are still taken for that.
const MOST_PROBES: usize = 12;

/// Whether the breaker was open at any time between two moments.
pub(super) fn is_open_between(breaker: &CircuitBreaker, from_ns: u64, to_ns: u64) -> bool {
    let mut open_since = None;
    for transition in &breaker.transitions {
        match (transition.state, open_since) {
            (State::Open, None) => open_since = Some(transition.at_ns),
            (State::Open, _) | (_, None) => {}
            (_, Some(since)) => {
                if since < to_ns && from_ns < transition.at_ns {
                    return true;
                }
                open_since = None;
            }
        }
    }
    open_since.is_some_and(|since| since < to_ns)
}

/// Tells whether calls stop while demand goes on.
pub(super) fn judge(reading: &Reading) -> CircuitBreaker {
    let silences = silence::find(reading);
    let runs = runs(&reading.entries, &silences.list);
    if let Some(reason) = refuted(reading, &silences, &runs) {
        return share::judge(reading).unwrap_or_else(|| denial::judge(reading, reason));
    }
    observed(reading, &silences.list, &runs)
}

/// What was called between silences.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Where in the record it begins and ends.
    from: usize,
    to: usize,
    calls: usize,
    /// How many failed in a row just before the silence that follows.
    failed_last: usize,
    well: usize,
    /// Longest time between starts, in milliseconds.
    longest_gap: f64,
}

impl Run {
    fn of(entries: &[Entry], from: usize, to: usize) -> Self {
        let calls = &entries[from..to];
        let mut by_end: Vec<&Entry> = calls.iter().collect();
        by_end.sort_by_key(|it| it.over_at());
        let in_vain = by_end.iter().rev().take_while(|it| it.was_in_vain());
        let failed_last = in_vain.count();
        let last = &calls[calls.len() - failed_last.min(calls.len())..];
        let gaps = last
            .windows(2)
            .map(|it| ms(it[1].start.saturating_sub(it[0].over_at())));
        let gaps = sorted(gaps.collect());
        // Of many gaps of a caller that calls at random, the longest says nothing.
        let long = if gaps.len() < 8 { 1.0 } else { 0.85 };
        Self {
            from,
            to,
            calls: calls.len(),
            failed_last,
            well: calls.iter().filter(|it| !it.was_in_vain()).count(),
            longest_gap: quantile(&gaps, long),
        }
    }
}

/// One run before each silence, and one after the last.
fn runs(entries: &[Entry], silences: &[Silence]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut from = 0;
    for silence in silences {
        runs.push(Run::of(entries, from, silence.next));
        from = silence.next;
    }
    runs.push(Run::of(entries, from, entries.len()));
    runs
}

/// Why the silences are no open breaker's, if they aren't.
fn refuted(reading: &Reading, found: &Silences, runs: &[Run]) -> Option<&'static str> {
    let silences = &found.list[..];
    if silences.is_empty() {
        return Some(match (reading.lost_any(), found.went_quiet) {
            (true, _) => "events were lost",
            (_, true) => "calls stopped, and the caller may have had nothing to call for",
            _ => "calls never stopped while there was demand",
        });
    }
    if unlike(silences, runs) {
        return Some("calls paused while they failed, never alike");
    }
    if silences.iter().any(|it| it.demand != Demand::Rhythm) {
        if silences.len() == 1 && silences[0].kept_out < 8 {
            return Some("calls stopped once, for too few to tell");
        }
        return None;
    }
    let clusters: Vec<f64> = runs[1..silences.len()]
        .iter()
        .filter(|run| run.well == 0)
        .map(|run| run.calls as f64)
        .collect();
    if !clusters.is_empty() && median(&clusters) >= (runs[0].failed_last as f64).min(4.0) {
        return Some("as many calls were made between pauses as before the first");
    }
    let waits = runs.iter().zip(silences).filter(|(run, silence)| {
        let is_first = run.well > 0 || run.from == 0;
        is_first && (run.failed_last < 2 || silence.length_ms() < 3.5 * run.longest_gap)
    });
    if waits.count() > 0 {
        return Some("the caller pauses after each failure");
    }
    let resumed = runs[1..runs.len() - 1].iter().filter(|run| {
        run.well == 0 && run.calls > 1 && run.longest_gap * 3.5 > silences[0].length_ms()
    });
    if resumed.count() > 0 {
        return Some("calls stopped and went on again while they failed");
    }
    let reopened = runs[1..runs.len() - 1].iter().filter(|run| run.well == 0);
    let tripped = runs[..silences.len()]
        .iter()
        .filter(|run| run.well > 0 || run.from == 0);
    let lengths: Vec<f64> = silences.iter().map(Silence::length_ms).collect();
    let alike = lengths
        .iter()
        .all(|it| (it / lengths[0] - 1.0).abs() < 0.15);
    let twice = silences.len() >= 2 && (reopened.count() > 0 || (alike && tripped.count() >= 2));
    (!twice).then_some("calls stopped once, and the caller may have had nothing to call for")
}

/// Whether silences are so different, and what is between them so much, that no breaker makes them.
fn unlike(silences: &[Silence], runs: &[Run]) -> bool {
    let reopened: Vec<f64> = (1..silences.len())
        .filter(|at| runs[*at].well == 0 && silences[*at].to.is_some())
        .map(|at| silences[at].length_ms())
        .collect();
    if reopened.len() < 3 {
        return false;
    }
    let middle = median(&reopened);
    let off = reopened
        .iter()
        .filter(|it| (**it / middle - 1.0).abs() > 0.2)
        .count();
    let grows = reopened.windows(2).all(|it| it[1] > 0.95 * it[0]);
    let probes: Vec<f64> = runs[1..silences.len()]
        .iter()
        .map(|it| it.calls as f64)
        .collect();
    let many =
        median(&probes) > MOST_PROBES as f64 && median(&probes) > 1.3 * runs[0].failed_last as f64;
    many || (off * 3 > reopened.len() && !grows)
}

/// Takes back what retries explain as well: who waits for another attempt may hold the only place
/// there is, so that nobody calls until then.
pub(super) fn or_waits(breaker: CircuitBreaker, retry: &Retry, chains: &Chains) -> CircuitBreaker {
    if breaker.share.is_some() && retry.ground.verdict == Verdict::Unknown {
        let ground = Ground::unknown(format!(
            "{}; but calls may wait to be made again",
            breaker.ground.evidence
        ));
        return CircuitBreaker {
            ground,
            ..CircuitBreaker::default()
        };
    }
    let waits = chains.list.iter().flat_map(|it| it.attempts.windows(2));
    let longest = waits
        .map(|it| ms(it[1].start.saturating_sub(it[0].ended)))
        .fold(0.0, f64::max);
    let opened = breaker
        .transitions
        .iter()
        .filter(|it| it.state == State::Open)
        .count();
    let short = opened <= 2 && breaker.open_ms.is_some_and(|it| it < 1.2 * longest);
    let explained = chains.sure && longest > 0.0 && (short || breaker.share.is_some());
    if !explained {
        return breaker;
    }
    let ground = Ground::unknown(format!(
        "waits between attempts of up to {longest:.0} ms explain the pauses"
    ));
    CircuitBreaker {
        ground,
        ..CircuitBreaker::default()
    }
}

fn observed(reading: &Reading, silences: &[Silence], runs: &[Run]) -> CircuitBreaker {
    let first_tripped: Vec<f64> = runs[..silences.len()]
        .iter()
        .zip(silences)
        .filter(|(run, _)| run.from == 0 || is_closed_again(run, runs[0]))
        .map(|(run, silence)| failed_until(&reading.entries[run.from..run.to], silence.from))
        .collect();
    let probes = probes(silences, runs);
    let mut silences = silences.to_vec();
    let (open_ms, grows) = open_ms(&silences, runs);
    backdate(&mut silences, open_ms, grows);
    let silences = &silences[..];
    let transitions = transitions(reading, silences, runs, probes.unwrap_or(1));
    let by = match silences.iter().map(|it| it.demand).max() {
        Some(Demand::Inbound) => "inbound calls were answered",
        Some(Demand::Siblings) => "other dependencies were called",
        _ => "the caller had called steadily before",
    };
    let grows = match grows {
        true => ", longer each time",
        false => "",
    };
    let evidence = format!(
        "calls stopped {} times after failures while {by}, for {open_ms:.0} ms{grows}",
        silences.len()
    );
    let around = silences.iter().flat_map(|it| {
        let before = reading.entries[it.next.saturating_sub(2)..it.next].iter();
        before.chain(reading.entries.get(it.next))
    });
    let mut ground =
        Ground::observed(silences.len() + 1, evidence).showing(around.map(Entry::exhibit));
    if silences.iter().all(|it| it.demand == Demand::Rhythm) || reading.lost_any() {
        ground = ground.at_most(0.8);
    }
    CircuitBreaker {
        ground,
        failures_to_open: Some(median(&first_tripped) as u32).filter(|it| *it > 0),
        open_ms: Some((open_ms * 10.0).round() / 10.0),
        half_open_probes: probes.map(|it| it as u32),
        share: None,
        transitions,
    }
}

/// How many failed in a row until a moment: calls under way when it opens fail after that.
fn failed_until(calls: &[Entry], until: u64) -> f64 {
    let mut ended: Vec<&Entry> = calls.iter().filter(|it| it.over_at() <= until).collect();
    ended.sort_by_key(|it| it.over_at());
    ended.iter().rev().take_while(|it| it.was_in_vain()).count() as f64
}

/// Whether a run is one of a breaker that had closed: calls went well in it, or as many failed
/// as it took at first.
fn is_closed_again(run: &Run, first: Run) -> bool {
    run.well > 0
        || (first.failed_last >= 3
            && run.calls * 5 >= first.failed_last * 4
            && run.calls <= first.failed_last + 2)
}

/// How many calls are let through to see: as many as failed between two silences.
fn probes(silences: &[Silence], runs: &[Run]) -> Option<usize> {
    let failed = runs[1..silences.len().max(1)]
        .iter()
        .filter(|run| run.well == 0 && run.calls <= MOST_PROBES)
        .map(|run| run.calls as f64);
    let counts: Vec<f64> = failed.collect();
    (!counts.is_empty()).then(|| median(&counts).round() as usize)
}

/// How long it stays open, and whether that grows from time to time. A breaker that waits for the
/// next call to try is found later than its time: calls that were refused say that it was not over.
fn open_ms(silences: &[Silence], runs: &[Run]) -> (f64, bool) {
    let all: Vec<&Silence> = silences.iter().filter(|it| it.to.is_some()).collect();
    // Calls under way when it opens may be made again after that. After a failed probe there is
    // none.
    let reopened = (1..all.len())
        .filter(|at| runs[*at].well == 0)
        .map(|at| all[at]);
    let reopened: Vec<&Silence> = reopened.collect();
    let ended = if reopened.is_empty() { all } else { reopened };
    let Some(first) = ended.first() else {
        return (silences[0].length_ms(), false);
    };
    let most = ended
        .iter()
        .map(|it| it.length_ms())
        .fold(f64::MAX, f64::min);
    let least = ended.iter().map(|it| it.at_least_ms).fold(0.0, f64::max);
    if least <= most {
        return ((least.max(most * 0.5) + most) / 2.0, false);
    }
    let middle = |it: &Silence| (it.at_least_ms + it.length_ms()) / 2.0;
    let grows = ended.len() >= 2
        && ended
            .windows(2)
            .all(|it| it[1].length_ms() > 1.25 * it[0].length_ms());
    match grows {
        true => (middle(first), true),
        false => (
            median(&ended.iter().map(|it| middle(it)).collect::<Vec<_>>()),
            false,
        ),
    }
}

/// Where a silence began later than the breaker opened, because calls under way were still made
/// again, its end tells when that was.
fn backdate(silences: &mut [Silence], open_ms: f64, grows: bool) {
    for silence in silences.iter_mut().filter(|_| !grows) {
        if let Some(to) = silence.to.filter(|_| silence.length_ms() < 0.93 * open_ms) {
            silence.from = to.saturating_sub((open_ms * 1e6) as u64);
        }
    }
}

fn transitions(
    reading: &Reading,
    silences: &[Silence],
    runs: &[Run],
    probes: usize,
) -> Vec<Transition> {
    let at = |at_ns, state| Transition {
        at_ns,
        state,
        share: None,
    };
    let mut all = vec![at(reading.entries[0].start, State::Closed)];
    for (index, silence) in silences.iter().enumerate() {
        all.push(at(silence.from, State::Open));
        let Some(to) = silence.to else { break };
        let run = runs[index + 1];
        let is_last = index + 1 == silences.len();
        let fell_back = !is_last && run.well == 0;
        if fell_back && is_closed_again(&run, runs[0]) && run.calls > probes + 1 {
            all.push(at(to, State::Closed));
            continue;
        }
        all.push(at(to, State::HalfOpen));
        let calls = &reading.entries[run.from..run.to];
        let well = calls.iter().filter(|it| !it.was_in_vain());
        if let Some(closed) = well.take(probes.max(1)).last() {
            let ramp = share::ramp(reading, closed.ended);
            match ramp.last() {
                Some(last) if last.state == State::Closed => all.extend(ramp),
                _ => all.push(at(closed.ended, State::Closed)),
            }
        }
    }
    all
}
