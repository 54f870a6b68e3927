//! What faults do to a packet. Each is one file; this one asks the rules in turn, counts what
//! became of the packet, and carries it out.

mod blackhole;
mod corrupt;
mod delay;
mod loss;

use core::mem::MaybeUninit;

use aya_ebpf::{bindings::__sk_buff, helpers::bpf_ktime_get_ns};
use probe_common::{
    line::Slot,
    random,
    rule::{FaultFlow, FaultRule, MAX_RULES_PER_TARGET, MAX_SHAPES, Target, direction, fault},
};
use probe_ebpf::packet::{Packet, keeps_the_host_reachable};

use crate::{
    maps::{count, counters, flows, line, plan},
    select::{self, flow_hash},
    skb::{self, Skb},
};

/// `TC_ACT_UNSPEC`: whatever else is attached goes on as if this program weren't there.
pub(crate) const GO_ON: i32 = -1;
/// `TC_ACT_SHOT`: inwards, a packet vanishes without anybody being told.
pub(crate) const SHOT: i32 = 2;

/// A packet before its rules, and what they have decided so far.
///
/// Plain words without padding: it is handed to a function that the verifier checks by itself,
/// and that knows no more of it than its size.
#[repr(C)]
pub(crate) struct Case {
    /// Zero until the first target was consulted.
    now_ns: u64,
    flow_hash: u64,
    /// How long the packet is to wait.
    wait_ns: u64,
    /// The delay line's device; 0 without one.
    line_ifindex: u32,
    /// One of [`direction`].
    way: u32,
    length: u32,
    transport: u32,
    protocol: u32,
    /// Has no transport header.
    later_fragment: u32,
    protected: u32,
    /// Kill switch or lapsed lease: no rule is asked.
    left_alone: u32,
    vanishes: u32,
    into_line: u32,
    /// What the line is to do with it besides waiting.
    line_flags: u32,
    random: u32,
    /// Which rule sent it into the line last, should the line not take it.
    line_rule: u32,
    pad: u32,
}

const _: () = assert!(size_of::<Case>().is_multiple_of(size_of::<u64>()));

/// What one rule did to a packet.
pub(crate) enum Touch {
    Passed,
    Dropped,
    Delayed,
    Corrupted,
    /// It should have been touched and could not be.
    Failed,
}

impl Case {
    /// Puts a packet's case where the caller has room for it.
    ///
    /// Zeroed word by word, and in place: the compiler would otherwise call a function that does
    /// it one octet at a time, which was a third of what a packet that matches nothing cost.
    #[inline(always)]
    pub(crate) fn put<'a>(
        room: &'a mut MaybeUninit<Self>,
        skb: &Skb,
        packet: &Packet,
        way: u32,
        line_ifindex: u32,
    ) -> &'a mut Self {
        let words = room.as_mut_ptr().cast::<u64>();
        for at in 0..size_of::<Self>() / size_of::<u64>() {
            // SAFETY: within the room, which is aligned for words.
            unsafe { words.add(at).write_volatile(0) };
        }
        // SAFETY: every byte was written (its size is a multiple of a word's), and all zero is a
        // case.
        let case = unsafe { room.assume_init_mut() };
        case.line_ifindex = line_ifindex;
        case.way = way;
        case.length = skb.len();
        case.transport = u32::from(packet.transport);
        case.protocol = u32::from(packet.protocol);
        case.later_fragment = u32::from(packet.later_fragment);
        case
    }

    /// What comes before the first rule of a packet. In this order: kill switch, lease, then
    /// each rule's own time and what no fault may touch.
    #[inline(always)]
    fn begin(&mut self, packet: &Packet) {
        // SAFETY: a helper call without arguments.
        self.now_ns = unsafe { bpf_ktime_get_ns() };
        if plan::killed() {
            count!(counters::injector(), killed);
            self.left_alone = 1;
        } else if self.now_ns >= plan::lease_until() {
            count!(counters::injector(), lapsed);
            self.left_alone = 1;
        }
        self.protected = u32::from(keeps_the_host_reachable(packet));
        self.flow_hash = flow_hash(packet);
    }
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
        if place as u32 >= target.count || case.left_alone | case.vanishes != 0 {
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
    if rule.direction & case.way == 0
        || case.now_ns < rule.starts_ns
        || case.now_ns >= rule.deadline_ns
    {
        return;
    }
    let counters = counters::rule(index);
    count!(counters, seen);
    if case.protected != 0 {
        count!(counters, protected);
        return;
    }
    count!(counters, matched);
    match touch(skb, index, rule, case) {
        Touch::Passed => count!(counters, passed),
        Touch::Dropped => {
            case.vanishes = 1;
            count!(counters, dropped);
        }
        Touch::Delayed => count!(counters, delayed),
        Touch::Corrupted => count!(counters, corrupted),
        Touch::Failed => count!(counters, errors),
    }
}

#[inline(always)]
fn touch(skb: &Skb, index: u32, rule: &FaultRule, case: &mut Case) -> Touch {
    if rule.kind == fault::BLACKHOLE {
        return blackhole::touch();
    }
    // Numbers count per flow and rule, so that rules don't share their luck.
    let Some(flow) = flows::fault_flow(random::mix(case.flow_hash ^ u64::from(index))) else {
        return Touch::Failed;
    };
    // SAFETY: a valid pointer into the map. Two CPUs that handle one flow at once may see the
    // same number; packets of one flow are seldom that far apart.
    let flow: &mut FaultFlow = unsafe { &mut *flow };
    flow.packets += 1;
    let draw = random::draw(rule.seed, case.flow_hash, flow.packets);
    match rule.kind {
        fault::DELAY => delay::touch(index, rule, draw, flow, case),
        fault::LOSS => loss::touch(rule, draw),
        fault::CORRUPT_WIRE => corrupt::touch_wire(index, rule, draw, case),
        fault::CORRUPT_PAYLOAD => corrupt::touch_payload(skb, rule, draw, case),
        _ => Touch::Failed,
    }
}

/// Carries out what the rules decided; returns the program's verdict.
#[inline(always)]
pub(crate) fn carry_out(skb: &Skb, case: &Case) -> i32 {
    if case.vanishes != 0 {
        return if case.way == direction::EGRESS {
            skb::vanish()
        } else {
            SHOT
        };
    }
    if case.into_line == 0 {
        return GO_ON;
    }
    let slot = Slot {
        entered_ns: case.now_ns,
        due_ns: case.now_ns + case.wait_ns,
        ifindex: skb.ifindex(),
        random: case.random as u16,
        flags: case.line_flags as u16,
    };
    match line::fill_slot(slot) {
        Some(tag) if skb.push_tag(tag).is_ok() => skb::redirect(case.line_ifindex, false),
        _ => {
            take_back(case.line_rule);
            GO_ON
        }
    }
}

/// Counts a packet that the line did not take as an error instead.
#[inline(always)]
fn take_back(index: u32) {
    let counters = counters::rule(index);
    count!(counters, errors);
    let corrupts = plan::rule(index).is_some_and(|rule| rule.kind == fault::CORRUPT_WIRE);
    let Some(counters) = counters else { return };
    // SAFETY: this CPU's own counters, and `ask` has just added what is taken away here.
    unsafe {
        if corrupts {
            (*counters).corrupted -= 1;
        } else {
            (*counters).delayed -= 1;
        }
    }
}
