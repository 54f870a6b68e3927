//! Packets wait in the delay line until a token bucket lets them go.
//!
//! The bucket is a time: when it will be full again (the "theoretical arrival time" of the
//! generic cell rate algorithm, ITU-T I.371). A packet goes when that lies no further ahead than
//! the burst, and puts it off by what it costs.

use probe_common::rule::FaultRule;

use super::{Case, Touch, size::Size};
use crate::{atomic, maps::plan};

/// What would have to wait longer than this finds the queue full, unless the queue is short.
const LONGEST_WAIT_NS: u64 = 1_000_000_000;
/// A queue of this many bytes is never full: with less, a few of the large packets that hosts
/// hand to their cards fill it at slow rates, and TCP, losing them whole, waits for its timer.
const SHORT_QUEUE: u64 = 512 << 10;

#[inline(always)]
pub(super) fn touch(index: u32, rule: &FaultRule, size: Size, case: &mut Case) -> Touch {
    let Some(state) = plan::state(index) else {
        return Touch::Failed;
    };
    // SAFETY: a valid pointer into the map.
    let full_ns = unsafe { &raw mut (*state).full_ns };
    let byte_cost = size.of_time(rule.byte_cost);
    let cost = (u64::from(case.length) * byte_cost) >> 16;
    // SAFETY: aligned, and changed by atomic operations only.
    let before = unsafe { atomic::fetch_add(full_ns, cost) };
    if before <= case.now_ns {
        // It was full for a while: time that wasn't used isn't saved up. Where another packet was
        // quicker, its word counts.
        // SAFETY: as above.
        unsafe { atomic::replace(full_ns, before.wrapping_add(cost), case.now_ns + cost) };
        return Touch::Passed;
    }
    let due = before.saturating_sub(rule.burst_ns);
    let wait = due.saturating_sub(case.now_ns);
    if wait == 0 {
        return Touch::Passed;
    }
    if wait > LONGEST_WAIT_NS.max((SHORT_QUEUE * byte_cost) >> 16) {
        // SAFETY: as above.
        unsafe { atomic::fetch_add(full_ns, cost.wrapping_neg()) };
        return Touch::Dropped;
    }
    if !case.can_wait() {
        return Touch::Failed;
    }
    case.wait_ns += wait;
    case.into_line(index);
    Touch::Delayed
}
