//! Packets wait in the delay line. Jitter is even; it never reorders a flow: a packet is not due
//! before the one ahead of it.

use probe_common::{
    line::FLAG_INGRESS,
    rule::{FaultFlow, FaultRule, direction},
};

use super::{Case, Touch};

#[inline(always)]
pub(super) fn touch(
    index: u32,
    rule: &FaultRule,
    draw: u64,
    flow: &mut FaultFlow,
    case: &mut Case,
) -> Touch {
    let wait = wait_ns(rule, draw);
    let due = (case.now_ns + wait).max(flow.last_due_ns);
    flow.last_due_ns = due;
    let wait = due - case.now_ns;
    if wait == 0 {
        return Touch::Passed;
    }
    if case.line_ifindex == 0 {
        return Touch::Failed;
    }
    case.wait_ns += wait;
    case.into_line(index);
    Touch::Delayed
}

/// The delay, spread evenly over ± jitter; never below zero.
#[inline(always)]
fn wait_ns(rule: &FaultRule, draw: u64) -> u64 {
    if rule.jitter_ns == 0 {
        return rule.delay_ns;
    }
    // Jitter is at most an hour, which has 42 bits: in units of 1,024 ns the product fits.
    let span = (2 * rule.jitter_ns) >> 10;
    let offset = ((draw & 0xffff_ffff) * span) >> 22;
    (rule.delay_ns + offset).saturating_sub(rule.jitter_ns)
}

impl Case {
    /// Sends the packet through the line on behalf of a rule.
    #[inline(always)]
    pub(super) fn into_line(&mut self, index: u32) {
        self.into_line = 1;
        self.line_rule = index;
        if self.way == direction::INGRESS {
            self.line_flags |= u32::from(FLAG_INGRESS);
        }
    }
}
