//! Packets vanish in bursts: the model of Gilbert (1960) and Elliott (1963), with netem's
//! parameters. Each flow has a state of its own, good at first; each packet is lost with the
//! probability of the state it meets, and may change it for those after it.

use probe_common::{
    random,
    rule::{FaultFlow, FaultRule},
};

use super::{Touch, size::Size};

#[inline(always)]
pub(super) fn touch(rule: &FaultRule, size: Size, draw: u64, flow: &mut FaultFlow) -> Touch {
    let [to_bad, to_good, lost_while_bad, lost_while_good] = rule.bursts;
    let (change, loss) = if flow.bad != 0 {
        (to_good, lost_while_bad)
    } else {
        (to_bad, lost_while_good)
    };
    if random::hits(draw << 32, change) {
        flow.bad ^= 1;
    }
    if random::hits(draw, size.of_share(loss)) {
        Touch::Dropped
    } else {
        Touch::Passed
    }
}
