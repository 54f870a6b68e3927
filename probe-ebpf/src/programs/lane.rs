//! TC on both ends of the fq lane: packets whose departure time has come are turned around at
//! the far end, and sent on from where they came at the near one, or back into fq to wait on.

use aya_ebpf::{helpers::bpf_ktime_get_ns, macros::classifier, programs::TcContext};
use probe_common::{
    lane::{LaneSlot, next_hop_ns},
    line::FLAG_INGRESS,
};

use crate::{
    fault::SHOT,
    maps::{
        count, counters, lane,
        plan::{self, Standing},
    },
    skb::{self, Skb},
};

/// Sends packets that leave the lane on their way again, or back to wait on.
#[classifier]
pub(crate) fn tc_lane_return(ctx: TcContext) -> i32 {
    try_return(&Skb::new(ctx.skb.skb))
}

/// Turns packets around at the lane's far end.
#[classifier]
pub(crate) fn tc_lane_turn(ctx: TcContext) -> i32 {
    let skb = Skb::new(ctx.skb.skb);
    skb::redirect_to_peer(skb.ifindex())
}

#[inline(always)]
fn try_return(skb: &Skb) -> i32 {
    if !lane::is_supported() {
        return SHOT;
    }
    let Some((number, slot)) = found(skb) else {
        count!(counters::injector(), lost_way);
        return SHOT;
    };
    // The departure time can be set only where no tag stands beside the packet's own.
    if skb.pop_tag().is_err() {
        count!(counters::injector(), lost_way);
        return SHOT;
    }
    // SAFETY: a helper call without arguments.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    if now_ns < slot.due_ns && holds(now_ns) && wait_on(skb, number, now_ns, slot.due_ns).is_ok() {
        return skb::redirect(skb.ifindex(), false);
    }
    if now_ns >= slot.due_ns {
        lane::record(slot.entered_ns, slot.due_ns, now_ns);
    }
    count!(counters::injector(), left_lane);
    let (ifindex, ingress) = (slot.ifindex, slot.flags & u16::from(FLAG_INGRESS) != 0);
    skb.clear_departure();
    skb.set_marks(slot.marks);
    skb.set_mark(slot.mark);
    skb.set_priority(slot.priority);
    skb.restore_hash(slot.hash);
    lane::release(number);
    skb.make_ours();
    skb::redirect(ifindex, ingress)
}

#[inline(always)]
fn found(skb: &Skb) -> Option<(u16, &'static LaneSlot)> {
    let number = skb.tag()?;
    Some((number, lane::slot(number)?))
}

/// Whether packets are still made to wait: not once faults are over, or nobody vouches for them.
#[inline(always)]
fn holds(now_ns: u64) -> bool {
    !lane::lets_go() && plan::standing(now_ns) == Standing::InForce
}

#[inline(always)]
fn wait_on(skb: &Skb, number: u16, now_ns: u64, due_ns: u64) -> Result<(), ()> {
    skb.set_departure(next_hop_ns(now_ns, due_ns))?;
    skb.set_hash(u32::from(number));
    skb.push_tag(number)
}
