//! What faults do to a packet. Each is one file; this one asks the rules in turn, counts what
//! became of the packet, and carries it out.

mod age;
mod blackhole;
mod case;
mod connection_cap;
mod corrupt;
mod delay;
mod dns;
mod duplicate;
mod http_status;
mod lane;
mod loss;
mod loss_in_bursts;
mod permit;
mod rate;
mod reorder;
mod reset;
mod size;
mod turn_back;

use aya_ebpf::bindings::__sk_buff;
use probe_common::{
    line::{FLAG_CORRUPT, Slot},
    random,
    rule::{
        FaultFlow, FaultRule, MAX_RULES_PER_TARGET, MAX_SHAPES, Target, direction, fault, only,
    },
    touches,
};
use probe_ebpf::packet::Packet;

pub(crate) use self::{
    case::{Case, mark_of},
    permit::Permit,
    size::Size,
};
use crate::{
    maps::{count, counters, flows, line, plan},
    select,
    skb::{self, Skb},
};

/// `TC_ACT_UNSPEC`: whatever else is attached goes on as if this program weren't there.
pub(crate) const GO_ON: i32 = -1;
/// `TC_ACT_SHOT`: inwards, a packet vanishes without anybody being told.
pub(crate) const SHOT: i32 = 2;

/// What one rule did to a packet.
pub(crate) enum Touch {
    Passed,
    Dropped,
    Delayed,
    Corrupted,
    Duplicated,
    Reordered,
    Reset,
    Rewritten,
    /// It should have been touched and could not be.
    Failed,
}

/// Asks the rules of the target that a packet falls under by a shape, and of every other by the
/// shapes behind it; always zero, because such a
/// function has to return something.
///
/// A global function: the verifier checks it once, by itself, instead of once for every way
/// that leads here, which are more than it is willing to follow. Up to 6.1 it follows each way
/// through the headers into each target, which are more than a million steps.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn probe_ask_targets(
    raw: *mut __sk_buff,
    packet: *const Packet,
    case: *mut Case,
    first: *const Target,
    shape: u32,
) -> u32 {
    // SAFETY: the caller's own; the verifier makes sure that each is what it says, or nothing.
    let (Some(packet), Some(case)) = (unsafe { packet.as_ref() }, unsafe { case.as_mut() }) else {
        return 0;
    };
    // SAFETY: as above.
    let (Some(first), Some(header)) = (unsafe { first.as_ref() }, plan::header()) else {
        return 0;
    };
    case.begin(packet);
    ask_target(raw, first, case);
    let far_side = select::far_side(packet, case.way);
    for index in 1..MAX_SHAPES as u32 {
        if index >= header.shape_count {
            break;
        }
        if index > shape
            && let Some(target) = select::target(header, index, &far_side)
        {
            ask_target(raw, target, case);
        }
    }
    0
}

/// Asks the rules of a target in turn.
#[inline(always)]
fn ask_target(raw: *mut __sk_buff, target: &Target, case: &mut Case) {
    for place in 0..MAX_RULES_PER_TARGET {
        if place as u32 >= target.count || case.left_alone | case.vanishes | case.turned_back != 0 {
            break;
        }
        probe_ask_rule(raw, u32::from(target.rules[place]), case);
    }
}

/// Asks one rule; always zero, because such a function has to return something.
///
/// A global function for the same reason as [`probe_ask_targets`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_ask_rule(raw: *mut __sk_buff, index: u32, case: *mut Case) -> u32 {
    // SAFETY: the caller's own case; the verifier makes sure that it is one, or nothing.
    if let Some(case) = unsafe { case.as_mut() } {
        ask(&Skb::new(raw), index, case);
    }
    0
}

#[inline(always)]
fn ask(skb: &Skb, index: u32, case: &mut Case) {
    let Some(rule) = plan::rule(index) else {
        return;
    };
    if case.now_ns < rule.starts_ns || case.now_ns >= rule.deadline_ns || rule.near > case.near {
        return;
    }
    let fits_age = rule.only == only::ALL || age::probe_fits_age(skb.raw(), index, case) != 0;
    if rule.direction & case.way == 0 {
        return;
    }
    let counters = counters::rule(index);
    count!(counters, seen);
    if case.protected != 0 {
        count!(counters, protected);
        return;
    }
    let Some(size) = in_force(rule, case).filter(|_| fits_age) else {
        count!(counters, passed);
        return;
    };
    if !connection_cap::admits(index, rule, case.connection_hash) {
        count!(counters, passed);
        return;
    }
    let Some(permit) = Permit::take(index, rule) else {
        count!(counters, passed);
        return;
    };
    count!(counters, matched);
    match touch(skb, index, rule, size, case) {
        Touch::Passed => {
            permit.give_back();
            count!(counters, passed);
        }
        Touch::Failed => {
            permit.give_back();
            count!(counters, errors);
        }
        Touch::Dropped => {
            case.vanishes = 1;
            count!(counters, dropped);
        }
        Touch::Delayed => count!(counters, delayed),
        Touch::Corrupted => count!(counters, corrupted),
        Touch::Duplicated => count!(counters, duplicated),
        Touch::Reordered => count!(counters, reordered),
        Touch::Reset => count!(counters, reset),
        Touch::Rewritten => count!(counters, rewritten),
    }
}

/// How large a rule's fault is for this packet's connection now; `None` where it isn't there.
#[inline(always)]
fn in_force(rule: &FaultRule, case: &Case) -> Option<Size> {
    // All of them is what is asked mostly, and takes no draw.
    if rule.flow_share != u32::MAX {
        // Number 0 is no packet's: whole connections are chosen by it.
        let chosen = random::draw(rule.seed, case.connection_hash, 0);
        if !random::hits(chosen, rule.flow_share) {
            return None;
        }
    }
    Size::of(rule, case.now_ns)
}

/// A draw that is partly the one before, as netem's `get_crandom` has it.
#[inline(always)]
fn correlated(rule: &FaultRule, draw: u64, flow: &mut FaultFlow) -> u32 {
    let fresh = draw >> 32;
    if rule.correlation == 0 {
        return fresh as u32;
    }
    if flow.packets == 1 {
        // Nothing was drawn before the first: mixed with itself, it is what it is.
        flow.last_draw = fresh as u32;
    }
    let old = u64::from(rule.correlation);
    let mixed = (fresh * ((1 << 32) - old) + u64::from(flow.last_draw) * old) >> 32;
    flow.last_draw = mixed as u32;
    mixed as u32
}

#[inline(always)]
fn touch(skb: &Skb, index: u32, rule: &FaultRule, size: Size, case: &mut Case) -> Touch {
    // Numbers count per flow and rule, so that rules don't share their luck.
    let Some(flow) = flows::fault_flow(touches::flow_key(case.flow_hash, index)) else {
        return Touch::Failed;
    };
    // SAFETY: a valid pointer into the map. Two CPUs that handle one flow at once may see the
    // same number; packets of one flow are seldom that far apart.
    let flow: &mut FaultFlow = unsafe { &mut *flow };
    flow.packets += 1;
    let draw = random::draw(rule.seed, case.flow_hash, flow.packets);
    let touch = match rule.kind {
        fault::BLACKHOLE => blackhole::touch(),
        fault::RATE => rate::touch(index, rule, size, case),
        fault::DNS => dns::touch(skb, index, rule, case),
        fault::DELAY => delay::touch(index, rule, size, draw, flow, case),
        fault::LOSS => loss::touch(rule, size, draw, flow),
        fault::LOSS_IN_BURSTS => loss_in_bursts::touch(rule, size, draw, flow),
        fault::CORRUPT_WIRE => corrupt::touch_wire(index, rule, size, draw, case),
        fault::CORRUPT_PAYLOAD => corrupt::touch_payload(skb, rule, size, draw, case),
        fault::DUPLICATE => duplicate::touch(skb, rule, size, draw, case),
        fault::REORDER => reorder::touch(index, rule, size, draw, case),
        fault::RESET => reset::touch(skb, index, rule, size, draw, case),
        fault::HTTP_STATUS => http_status::touch(skb, rule, size, draw, case),
        _ => Touch::Failed,
    };
    if !matches!(touch, Touch::Passed | Touch::Failed) {
        flow.touches.note(case.now_ns);
    }
    touch
}

/// Carries out what the rules decided; returns the program's verdict.
#[inline(always)]
pub(crate) fn carry_out(skb: &Skb, case: &mut Case) -> i32 {
    if case.vanishes != 0 {
        return drop_silently(case);
    }
    if case.turned_back != 0 {
        if turn_back::probe_turn_back(skb.raw(), case) == 0 {
            take_back(case.acting_rule);
            return GO_ON;
        }
        return go_back(skb, case);
    }
    if case.into_line == 0 {
        // Another injector's line may bring it here again.
        skb.set_marks(skb.marks() | case.mark as u16);
        return GO_ON;
    }
    // A checksum is finished in user space only.
    if case.lane_ifindex != 0 && case.line_flags & u32::from(FLAG_CORRUPT) == 0 {
        return lane::send(skb, case).unwrap_or_else(|| {
            take_back(case.acting_rule);
            GO_ON
        });
    }
    let slot = Slot {
        entered_ns: case.now_ns,
        due_ns: case.now_ns + case.wait_ns,
        ifindex: skb.ifindex(),
        marks: skb.marks() | case.mark as u16,
        random: case.random as u8,
        flags: case.line_flags as u8,
    };
    match line::fill_slot(slot, case.slots_per_cpu) {
        Ok(tag) if skb.push_tag(tag).is_ok() => skb::redirect(case.line_ifindex, false),
        // The device has no room either, and would drop it.
        Err(line::NoSlot::Taken) => {
            count!(counters::injector(), no_slot);
            drop_silently(case)
        }
        _ => {
            take_back(case.acting_rule);
            GO_ON
        }
    }
}

/// Drops a packet as a wire would: its sender isn't told.
#[inline(always)]
fn drop_silently(case: &Case) -> i32 {
    if case.way == direction::EGRESS {
        skb::vanish()
    } else {
        SHOT
    }
}

/// Sends the packet the other way.
#[inline(always)]
fn go_back(skb: &Skb, case: &Case) -> i32 {
    // Met by this injector's program on the other way, it has to be known there.
    let other = if case.way == direction::INGRESS {
        case.mark >> 1
    } else {
        case.mark << 1
    };
    skb.set_marks(skb.marks() | other as u16);
    skb.make_ours();
    skb::redirect(skb.ifindex(), case.way == direction::EGRESS)
}

/// Counts a packet that could not be sent on, into the line or back, as an error instead.
#[inline(always)]
fn take_back(index: u32) {
    let kind = plan::rule(index).map_or(0, |rule| rule.kind);
    let Some(counters) = counters::rule(index) else {
        return;
    };
    // SAFETY: this CPU's own counters, and `ask` has just added what is taken away here.
    unsafe {
        (*counters).errors += 1;
        match kind {
            fault::CORRUPT_WIRE => (*counters).corrupted -= 1,
            fault::REORDER => (*counters).reordered -= 1,
            fault::RESET => (*counters).reset -= 1,
            fault::DNS => (*counters).rewritten -= 1,
            _ => (*counters).delayed -= 1,
        }
    }
}
