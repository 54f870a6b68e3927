//! Calls that are answered in the end, long after who made them has given them up: a timeout that
//! leaves the connection open isn't seen on the wire, but the inbound call that waited fails.

use super::super::attempt::Inbound;
use super::super::link::Service;
use super::super::spread::ms;
use super::super::tape::Entry;

/// How many times as long as usual it was waited for, at least.
const MUCH_LONGER: f64 = 5.0;
/// What lies closer together than this belongs together.
const SAME_NS: u64 = 10_000_000;

/// Notes of calls to a dependency when they were given up.
pub(super) fn mark(
    entries: &mut [Entry],
    usual_ms: f64,
    inbound: &[Inbound],
    service: &Service,
    dependency: u32,
) {
    // Without a usual wait, no wait is a long one.
    if usual_ms <= 0.0 {
        return;
    }
    let mut elsewhere = None;
    for entry in entries {
        let Some(at) = given_up_at(entry, usual_ms, inbound) else {
            continue;
        };
        let failed = elsewhere.get_or_insert_with(|| failed_elsewhere(service, dependency));
        let last = failed.partition_point(|it| *it <= at).checked_sub(1);
        // The inbound call may have failed for that.
        if last.is_none_or(|it| at - failed[it] > SAME_NS) {
            entry.given_up_at = at;
        }
    }
}

/// When the inbound call that a call was made for failed while that went on. Whose it was is told by
/// the time: of all that came just before it and waited then, every one has to have failed.
fn given_up_at(call: &Entry, usual_ms: f64, inbound: &[Inbound]) -> Option<u64> {
    if call.failed() || ms(call.age()) < MUCH_LONGER * usual_ms {
        return None;
    }
    let from = call.start.saturating_sub(SAME_NS);
    let low = inbound.partition_point(|it| it.began_ns < from);
    let waiting = inbound[low..]
        .iter()
        .take_while(|it| it.began_ns <= call.start)
        .filter(|it| it.ended_ns > call.start);
    let mut last = None;
    for it in waiting {
        let gave_up = it.outcome.failed()
            && ms(it.ended_ns - call.start) >= MUCH_LONGER * usual_ms
            && call.ended > it.ended_ns + SAME_NS;
        if !gave_up {
            return None;
        }
        last = Some(it.ended_ns);
    }
    last
}

/// When calls of the service to its other dependencies failed, sorted.
fn failed_elsewhere(service: &Service, dependency: u32) -> Vec<u64> {
    let others = service.links.iter().filter(|it| *it.0 != dependency);
    let failed = others.flat_map(|(_, link)| link.tape.troubled().filter(|it| it.failed()));
    let mut ended: Vec<u64> = failed.map(|it| it.ended).collect();
    ended.sort_unstable();
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::attempt::{Attempt, Outcome};

    const MS: u64 = 1_000_000;

    fn call(began_ms: u64, ended_ms: u64) -> Entry {
        Entry::of(&Attempt {
            began_ns: began_ms * MS,
            ended_ns: ended_ms * MS,
            ..Attempt::default()
        })
    }

    fn inbound(began_ms: u64, ended_ms: u64, outcome: Outcome) -> Inbound {
        Inbound {
            began_ns: began_ms * MS,
            ended_ns: ended_ms * MS,
            outcome,
            ..Inbound::default()
        }
    }

    #[test]
    fn a_call_that_goes_on_after_its_inbound_call_failed_was_given_up() {
        let waits = [inbound(1_000, 1_300, Outcome::Error)];
        let given_up = |call: Entry| given_up_at(&call, 5.0, &waits);
        assert_eq!(given_up(call(1_001, 3_000)), Some(1_300 * MS));
        // Waited for; made for another; over before.
        assert_eq!(given_up(call(1_001, 1_299)), None);
        assert_eq!(given_up(call(1_020, 3_000)), None);
        assert_eq!(given_up(call(990, 3_000)), None);
    }

    #[test]
    fn where_one_of_those_that_came_together_goes_well_nothing_is_told() {
        let well = inbound(1_000, 3_001, Outcome::Ok);
        let failed = inbound(1_001, 1_300, Outcome::Error);
        let call = call(1_002, 3_000);
        assert_eq!(given_up_at(&call, 5.0, &[well, failed]), None);
        assert!(given_up_at(&call, 5.0, &[failed]).is_some());
    }

    #[test]
    fn who_fails_at_once_has_given_nothing_up() {
        let shed = [inbound(1_000, 1_005, Outcome::Error)];
        assert_eq!(given_up_at(&call(1_001, 3_000), 5.0, &shed), None);
    }
}
