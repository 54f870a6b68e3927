//! The way into the fq lane, where packets wait inside the kernel.

use aya_ebpf::{bindings::__sk_buff, helpers::generated::bpf_clone_redirect};
use probe_common::{
    lane::{LOST_AFTER_NS, LaneSlot, SHORT_NS, next_hop_ns},
    line::{FLAG_INGRESS, FLAG_OVERTAKEN},
    random::mix,
};

use super::{Case, SHOT};
use crate::{
    maps::{lane, plan},
    skb::{self, Skb},
};
use probe_common::rule::direction;

/// Sends a packet into the lane; the program's verdict, or `None` where the lane didn't take it.
#[inline(always)]
pub(super) fn send(skb: &Skb, case: &mut Case) -> Option<i32> {
    if probe_into_lane(skb.raw(), case) == 0 {
        return None;
    }
    Some(if case.way == direction::EGRESS {
        skb::vanish()
    } else {
        SHOT
    })
}

/// Puts a copy of a packet into the lane, so that the packet itself can vanish; tells whether it
/// did. A copy, because that one belongs to no socket: a packet that waits on a wire takes up no
/// room in its sender's buffer either, and fq would make the socket's packets wait for each other.
///
/// A function that the verifier checks by itself, so that what it needs of the stack isn't added
/// to what the rules need.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_into_lane(raw: *mut __sk_buff, case: *mut Case) -> u32 {
    // SAFETY: the caller's own case; the verifier makes sure that it is one, or nothing.
    let Some(case) = (unsafe { case.as_mut() }) else {
        return 0;
    };
    if !lane::is_supported() {
        return 0;
    }
    let skb = Skb::new(raw);
    let slot = slot_of(&skb, case);
    let Some(number) = lane::take(&slot, case.now_ns) else {
        return 0;
    };
    let departs_ns = next_hop_ns(case.now_ns, slot.due_ns);
    skb.set_priority(0);
    skb.set_hash(stream(case, number));
    if skb.set_departure(departs_ns).is_ok() && skb.push_tag(number).is_ok() {
        // SAFETY: a helper call on the context the kernel gave.
        let code = unsafe { bpf_clone_redirect(raw, case.lane_ifindex, 0) };
        if code != 0 {
            lane::release(number);
        }
        if code >= 0 {
            // Above zero, fq had no room, and has counted it.
            return 1;
        }
        let _ = skb.pop_tag();
    } else {
        lane::release(number);
    }
    skb.clear_departure();
    skb.set_priority(slot.priority);
    skb.restore_hash(slot.hash);
    0
}

#[inline(always)]
fn slot_of(skb: &Skb, case: &Case) -> LaneSlot {
    let due_ns = case.now_ns + case.wait_ns;
    LaneSlot {
        held_until_ns: due_ns + LOST_AFTER_NS,
        entered_ns: case.now_ns,
        due_ns,
        ifindex: skb.ifindex(),
        length: skb.len(),
        mark: skb.mark(),
        priority: skb.priority(),
        hash: skb.hash(),
        marks: skb.marks() | case.mark as u16,
        flags: (case.line_flags & u32::from(FLAG_INGRESS)) as u16,
    }
}

/// What fq tells flows apart by. It lets flows whose time has come go in the order of their times,
/// so each packet is a flow of its own. Only those that wait so shortly that they may come later
/// than fq gets around to those ahead of them share one with others of their flow, where none can
/// go before another.
#[inline(always)]
fn stream(case: &Case, number: u16) -> u32 {
    let shares = case.wait_ns <= SHORT_NS && case.line_flags & u32::from(FLAG_OVERTAKEN) == 0;
    if !shares {
        return u32::from(number);
    }
    let generation = plan::header().map_or(0, |header| header.generation);
    (mix(case.flow_hash ^ u64::from(generation)) as u32) | 1 << 16
}
