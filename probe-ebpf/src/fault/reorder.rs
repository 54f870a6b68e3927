//! Chosen packets wait a while in the delay line, and those behind them overtake them.

use probe_common::{random, rule::FaultRule};

use super::{Case, Touch, size::Size};

#[inline(always)]
pub(super) fn touch(index: u32, rule: &FaultRule, size: Size, draw: u64, case: &mut Case) -> Touch {
    if !random::hits(draw, size.of_share(rule.probability)) {
        return Touch::Passed;
    }
    if case.line_ifindex == 0 {
        return Touch::Failed;
    }
    case.wait_ns += rule.delay_ns;
    case.into_line(index);
    Touch::Reordered
}
