//! Packets vanish, each with the same probability; whatever became of those before it
//! (Bernoulli), or correlated with it as netem defines that.

use probe_common::{
    random,
    rule::{FaultFlow, FaultRule},
};

use super::{Touch, correlated, size::Size};

#[inline(always)]
pub(super) fn touch(rule: &FaultRule, size: Size, draw: u64, flow: &mut FaultFlow) -> Touch {
    let draw = u64::from(correlated(rule, draw, flow)) << 32;
    if random::hits(draw, size.of_share(rule.probability)) {
        Touch::Dropped
    } else {
        Touch::Passed
    }
}
