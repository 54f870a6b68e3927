//! Chosen packets wait a while in the delay line, and those behind them overtake them.

use probe_common::{line::FLAG_OVERTAKEN, random, rule::FaultRule};

use super::{Case, Touch, size::Size};

#[inline(always)]
pub(super) fn touch(index: u32, rule: &FaultRule, size: Size, draw: u64, case: &mut Case) -> Touch {
    if !random::hits(draw, size.of_share(rule.probability)) {
        return Touch::Passed;
    }
    if !case.can_wait() {
        return Touch::Failed;
    }
    case.wait_ns += rule.delay_ns;
    case.line_flags |= u32::from(FLAG_OVERTAKEN);
    case.into_line(index);
    Touch::Reordered
}
