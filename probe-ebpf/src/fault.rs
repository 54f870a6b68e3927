//! What faults do to a packet. Each is one file; this one asks the rules in turn, counts what
//! became of the packet, and carries it out.

mod blackhole;
mod corrupt;
mod delay;
mod loss;

use probe_common::{
    line::Slot,
    random,
    rule::{FaultFlow, FaultRule, direction, fault},
};
use probe_ebpf::packet::Packet;

use crate::{
    maps::{count, counters, flows, line, plan},
    select::Selection,
    skb::{self, Skb},
};

/// `TC_ACT_UNSPEC`: whatever else is attached goes on as if this program weren't there.
pub(crate) const GO_ON: i32 = -1;
/// `TC_ACT_SHOT`: inwards, a packet vanishes without anybody being told.
pub(crate) const SHOT: i32 = 2;

/// A packet before its rules, and what they have decided so far.
pub(crate) struct Case {
    pub(crate) skb: Skb,
    pub(crate) packet: Packet,
    pub(crate) way: u32,
    pub(crate) now_ns: u64,
    pub(crate) flow_hash: u64,
    pub(crate) protected: bool,
    /// The delay line's device; 0 without one.
    pub(crate) line_ifindex: u32,
    /// How long the packet is to wait.
    wait_ns: u64,
    /// What the line is to do with it besides waiting.
    line_flags: u16,
    random: u16,
    into_line: bool,
    vanishes: bool,
    /// Which rule sent it into the line last, should the line not take it.
    line_rule: u16,
}

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
    #[inline(always)]
    pub(crate) fn new(skb: Skb, packet: Packet, way: u32, now_ns: u64, line_ifindex: u32) -> Self {
        Self {
            skb,
            packet,
            way,
            now_ns,
            flow_hash: crate::select::flow_hash(&packet),
            protected: probe_ebpf::packet::keeps_the_host_reachable(&packet),
            line_ifindex,
            wait_ns: 0,
            line_flags: 0,
            random: 0,
            into_line: false,
            vanishes: false,
            line_rule: 0,
        }
    }
}

/// Asks each rule in turn and carries out what they decided; returns the program's verdict.
#[inline(always)]
pub(crate) fn apply(selection: &Selection, case: &mut Case) -> i32 {
    for place in 0..selection.rules.len() {
        if place >= selection.count || case.vanishes {
            break;
        }
        ask(selection.rules[place], case);
    }
    carry_out(case)
}

/// Asks one rule. A function of its own to the verifier as well: it is checked once a call, not
/// once for every way through the rules before it.
#[inline(never)]
fn ask(index: u16, case: &mut Case) {
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
    if case.protected {
        count!(counters, protected);
        return;
    }
    count!(counters, matched);
    match touch(index, rule, case) {
        Touch::Passed => count!(counters, passed),
        Touch::Dropped => {
            case.vanishes = true;
            count!(counters, dropped);
        }
        Touch::Delayed => count!(counters, delayed),
        Touch::Corrupted => count!(counters, corrupted),
        Touch::Failed => count!(counters, errors),
    }
}

#[inline(always)]
fn touch(index: u16, rule: &FaultRule, case: &mut Case) -> Touch {
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
        fault::CORRUPT_PAYLOAD => corrupt::touch_payload(rule, draw, case),
        _ => Touch::Failed,
    }
}

#[inline(always)]
fn carry_out(case: &Case) -> i32 {
    if case.vanishes {
        return if case.way == direction::EGRESS {
            skb::vanish()
        } else {
            SHOT
        };
    }
    if !case.into_line {
        return GO_ON;
    }
    let slot = Slot {
        due_ns: case.now_ns + case.wait_ns,
        ifindex: case.skb.ifindex(),
        random: case.random,
        flags: case.line_flags,
    };
    match line::fill_slot(slot) {
        Some(tag) if case.skb.push_tag(tag).is_ok() => skb::redirect(case.line_ifindex, false),
        _ => {
            take_back(case.line_rule);
            GO_ON
        }
    }
}

/// Counts a packet that the line did not take as an error instead.
#[inline(always)]
fn take_back(index: u16) {
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
