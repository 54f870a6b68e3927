//! Packets wait in the delay line. Jitter never reorders a flow: a packet is not due before the
//! one ahead of it.

use probe_common::{
    line::FLAG_INGRESS,
    rule::{FaultFlow, FaultRule, direction, distribution},
};

use super::{Case, Touch, correlated, size::Size};
use crate::maps::plan;

#[inline(always)]
pub(super) fn touch(
    index: u32,
    rule: &FaultRule,
    size: Size,
    draw: u64,
    flow: &mut FaultFlow,
    case: &mut Case,
) -> Touch {
    let wait = size.of_time(wait_ns(rule, draw, flow));
    // Later by as little as can be told, so that the order is one of times alone.
    let due = (case.now_ns + wait).max(flow.last_due_ns + 1);
    flow.last_due_ns = due;
    let wait = due - case.now_ns;
    if wait == 0 {
        return Touch::Passed;
    }
    if !case.can_wait() {
        return Touch::Failed;
    }
    case.wait_ns += wait;
    case.into_line(index);
    Touch::Delayed
}

/// The delay, spread by the rule's distribution; never below zero.
#[inline(always)]
fn wait_ns(rule: &FaultRule, draw: u64, flow: &mut FaultFlow) -> u64 {
    if rule.jitter_ns == 0 {
        return rule.delay_ns;
    }
    let draw = correlated(rule, draw, flow);
    if rule.distribution == distribution::UNIFORM {
        // User space takes no jitter above half an hour. Twice that, in units of 1,024 ns, has
        // 32 bits, so that the product fits.
        let span = (2 * rule.jitter_ns) >> 10;
        let offset = (u64::from(draw) * span) >> 22;
        return (rule.delay_ns + offset).saturating_sub(rule.jitter_ns);
    }
    let Some(quantile) = plan::jitter_quantile(rule.distribution, draw) else {
        return rule.delay_ns;
    };
    // The unit is 2¹³; there is no signed division to be had.
    let offset = (i64::from(quantile) * (rule.jitter_ns as i64)) >> 13;
    (rule.delay_ns as i64 + offset).max(0) as u64
}

impl Case {
    /// Whether there is anywhere to wait.
    #[inline(always)]
    pub(super) fn can_wait(&self) -> bool {
        self.line_ifindex | self.lane_ifindex != 0
    }

    /// Sends the packet through the line on behalf of a rule.
    #[inline(always)]
    pub(super) fn into_line(&mut self, index: u32) {
        self.into_line = 1;
        self.acting_rule = index;
        if self.way == direction::INGRESS {
            self.line_flags |= u32::from(FLAG_INGRESS);
        }
    }
}
