//! TC: the injector on both ways of an interface, and the way out of the delay line.

use core::mem::MaybeUninit;

use aya_ebpf::{bindings::__sk_buff, macros::classifier, programs::TcContext};
use probe_common::rule::{direction, near};
use probe_ebpf::packet::{Packet, Segment};

use crate::{
    fault::{self, Case, GO_ON, SHOT},
    maps::{count, counters, line as way_back, plan},
    near::probe_is_near,
    overhear, select,
    skb::{self, Skb},
};

/// Applies faults to packets towards an endpoint.
#[classifier]
pub(crate) fn tc_egress_inject(ctx: TcContext) -> i32 {
    try_inject(&ctx, direction::EGRESS)
}

/// Applies faults to packets from an endpoint.
#[classifier]
pub(crate) fn tc_ingress_inject(ctx: TcContext) -> i32 {
    try_inject(&ctx, direction::INGRESS)
}

/// Sends packets that leave the delay line on their way again.
#[classifier]
pub(crate) fn tc_line_return(ctx: TcContext) -> i32 {
    try_return(&ctx)
}

/// Leaves what the parser makes of a frame in its control block; the verdict tells whether it
/// could be read. Only ever run over frames in memory.
#[classifier]
pub(crate) fn tc_parse(ctx: TcContext) -> i32 {
    let skb = Skb::new(raw(&ctx));
    let mut packet = Packet::default();
    if probe_parse(skb.raw(), &mut packet) == 0 {
        return 0;
    }
    skb.leave(packet.digest(Segment::of(&skb, &packet)));
    1
}

#[inline(always)]
fn raw(ctx: &TcContext) -> *mut __sk_buff {
    ctx.skb.skb
}

#[inline(always)]
fn try_inject(ctx: &TcContext, way: u32) -> i32 {
    let skb = Skb::new(raw(ctx));
    let Some(header) = plan::header() else {
        return GO_ON;
    };
    if header.shape_count == 0 {
        return GO_ON;
    }
    let mark = fault::mark_of(header, way);
    if skb.marks() & mark != 0 {
        count!(counters::injector(), returned);
        return GO_ON;
    }
    let mut packet = Packet::default();
    if probe_parse(skb.raw(), &mut packet) == 0 {
        count!(counters::injector(), unparsed);
        return GO_ON;
    }
    if way == direction::INGRESS && header.overhears != 0 {
        overhear::answer(&skb, &packet);
    }
    let far_side = select::far_side(&packet, way);
    let Some((target, shape)) = select::first_target(header, &far_side) else {
        return GO_ON;
    };
    let mut room = MaybeUninit::uninit();
    let case = Case::put(&mut room, &skb, &packet, way, header);
    if header.near_kind != near::NONE {
        case.near = probe_is_near(skb.raw(), &packet, way);
    }
    fault::probe_ask_targets(skb.raw(), &packet, case, target, shape);
    fault::carry_out(&skb, case)
}

/// Reads the headers; tells whether they could be read. A function that the verifier checks by
/// itself, so that what it needs of the stack isn't there any more when the rules are asked.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_parse(raw: *mut __sk_buff, room: *mut Packet) -> u32 {
    // SAFETY: the caller's own; the verifier makes sure that it is a packet, or nothing.
    let Some(room) = (unsafe { room.as_mut() }) else {
        return 0;
    };
    let Some(packet) = Packet::from_ethernet(&Skb::new(raw)) else {
        return 0;
    };
    *room = packet;
    1
}

#[inline(always)]
fn try_return(ctx: &TcContext) -> i32 {
    let skb = Skb::new(raw(ctx));
    let Some(way) = skb.tag().and_then(way_back::way) else {
        count!(counters::injector(), lost_way);
        aya_log_ebpf::warn!(
            ctx,
            "a frame on the delay line's device is not one of the line's: dropped"
        );
        return SHOT;
    };
    if skb.pop_tag().is_err() {
        count!(counters::injector(), lost_way);
        return SHOT;
    }
    skb.set_marks(way.marks as u16);
    skb.make_ours();
    skb::redirect(way.ifindex, way.ingress != 0)
}
