//! Packets are followed by a copy of themselves. The copy goes on at once, whatever else happens
//! to the packet; a mark keeps it from being looked at again.

use aya_ebpf::helpers::generated::bpf_clone_redirect;
use probe_common::{
    random,
    rule::{FaultRule, direction},
};

use super::{Case, Touch, size::Size};
use crate::skb::Skb;

/// `bpf_clone_redirect` flag: the copy goes on inwards.
const BPF_F_INGRESS: u64 = 1;

#[inline(always)]
pub(super) fn touch(skb: &Skb, rule: &FaultRule, size: Size, draw: u64, case: &Case) -> Touch {
    if !random::hits(draw, size.of_share(rule.probability)) {
        return Touch::Passed;
    }
    let flags = if case.way == direction::INGRESS {
        BPF_F_INGRESS
    } else {
        0
    };
    let marks = skb.marks();
    skb.set_marks(marks | case.mark as u16);
    // SAFETY: a helper call on the context the kernel gave.
    let code = unsafe { bpf_clone_redirect(skb.raw(), skb.ifindex(), flags) };
    skb.set_marks(marks);
    if code == 0 {
        Touch::Duplicated
    } else {
        Touch::Failed
    }
}
