//! Packets are followed by a copy of themselves. The copy goes on at once, whatever else happens
//! to the packet; a mark keeps it from being looked at again.

use probe_common::{
    random,
    rule::{FaultRule, direction},
};

use super::{Case, Touch, size::Size};
use crate::skb::Skb;

#[inline(always)]
pub(super) fn touch(skb: &Skb, rule: &FaultRule, size: Size, draw: u64, case: &Case) -> Touch {
    if !random::hits(draw, size.of_share(rule.probability)) {
        return Touch::Passed;
    }
    match skb.send_copy(case.way == direction::INGRESS, case.mark as u16) {
        Ok(()) => Touch::Duplicated,
        Err(()) => Touch::Failed,
    }
}
