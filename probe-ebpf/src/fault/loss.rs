//! Packets vanish, each with the same probability whatever became of those before it
//! (Bernoulli).

use probe_common::{random, rule::FaultRule};

use super::Touch;

#[inline(always)]
pub(super) fn touch(rule: &FaultRule, draw: u64) -> Touch {
    if random::hits(draw, rule.probability) {
        Touch::Dropped
    } else {
        Touch::Passed
    }
}
