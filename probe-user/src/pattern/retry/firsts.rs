//! Which attempts are the first of their call, where something else tells when calls begin: the
//! inbound calls they are made for, or a clock that they are made by, whatever becomes of them.

use super::super::reading::Reading;
use super::super::spread::{ms, quantile, sorted};
use super::super::tape::Entry;

/// For each entry of a reading, whether it is the first attempt of a call; none where nothing tells.
pub(super) fn of(reading: &Reading) -> Option<Vec<bool>> {
    match reading.attempts_per_inbound() {
        Some(ratio) if (0.93..1.07).contains(&ratio) => by_inbound(reading),
        Some(_) => None,
        None => by_clock(reading),
    }
}

/// The first attempt starts as long after its inbound call as in calm times.
fn by_inbound(reading: &Reading) -> Option<Vec<bool>> {
    let delays = reading.calm.iter().filter_map(|entry| {
        let upto = reading
            .inbound
            .partition_point(|it| it.began_ns <= entry.start);
        let call = reading.inbound.get(upto.checked_sub(1)?)?;
        Some(ms(entry.start - call.began_ns))
    });
    let delays = sorted(delays.filter(|it| *it < 1e3).collect());
    let (low, high) = (quantile(&delays, 0.02), quantile(&delays, 0.95));
    if delays.len() < 20 || high - low > 40.0 {
        return None;
    }
    let (low, high) = (low * 0.8, high * 1.15 + 2.0);
    let mut firsts = vec![false; reading.entries.len()];
    let mut found = 0;
    let from = reading.entries.first()?.start;
    let to = reading.entries.last()?.start;
    let calls = reading
        .inbound
        .iter()
        .filter(|it| (from..=to).contains(&it.began_ns));
    for call in calls {
        let earliest = call.began_ns + (low * 1e6) as u64;
        let at = reading.entries.partition_point(|it| it.start < earliest);
        let due = reading.entries[at..]
            .iter()
            .take_while(|it| ms(it.start - call.began_ns) <= high)
            .enumerate();
        if let Some((offset, _)) = due.into_iter().find(|(offset, _)| !firsts[at + offset]) {
            firsts[at + offset] = true;
            found += 1;
        }
    }
    (found >= 10).then_some(firsts)
}

/// Attempts on a grid that goes on through failures as it did before.
fn by_clock(reading: &Reading) -> Option<Vec<bool>> {
    let between: Vec<f64> = reading
        .calm
        .windows(2)
        .map(|it| ms(it[1].start - it[0].start))
        .collect();
    let between = sorted(between);
    let period = quantile(&between, 0.5);
    let slack = (period * 0.05).max(3.0);
    if between.len() < 30
        || period < 4.0 * slack
        || quantile(&between, 0.9) - quantile(&between, 0.1) > 2.0 * slack
    {
        return None;
    }
    let entries = &reading.entries;
    let mut firsts = vec![false; entries.len()];
    let (mut tick, mut hit, mut due) = (entries.first()?.start, 0, 0);
    let first_failure = entries.iter().find(|it| it.failed())?.start;
    let last_failure = entries.iter().rfind(|it| it.failed())?.start;
    while tick <= entries.last()?.start {
        let nearest = nearest(entries, tick, slack);
        let counts = (first_failure..=last_failure).contains(&tick);
        due += usize::from(counts);
        if let Some(at) = nearest {
            firsts[at] = true;
            hit += usize::from(counts);
            // Late now doesn't mean late the next time.
            let off = entries[at].start as f64 - tick as f64;
            tick = (tick as f64 + off * 0.15) as u64;
        }
        tick += (period * 1e6) as u64;
    }
    (due >= 8 && hit * 100 >= due * 93).then_some(firsts)
}

fn nearest(entries: &[Entry], tick: u64, slack: f64) -> Option<usize> {
    let from = tick.saturating_sub((slack * 1e6) as u64);
    let low = entries.partition_point(|it| it.start < from);
    let near = entries[low..]
        .iter()
        .take_while(|it| it.start <= tick + (slack * 1e6) as u64)
        .enumerate();
    near.min_by_key(|(_, it)| it.start.abs_diff(tick))
        .map(|(offset, _)| low + offset)
}
