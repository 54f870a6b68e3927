//! Calls of connect(): which rules one meets, and whether it fails. Decided in the calling
//! process's own context, before anything is sent.

mod limit;

use aya_ebpf::helpers::bpf_ktime_get_ns;
use probe_common::{
    address::protocol,
    connection::{self, End},
    random,
    rule::{
        EndpointKey, FaultRule, MAX_LIMITS, MAX_RULES_PER_TARGET, MAX_SHAPES, PlanHeader, Target,
        direction, fault,
    },
    touches,
};

use probe_ebpf::packet::Packet;

use crate::{
    atomic,
    fault::{Permit, Size},
    maps::{
        count_shared, counters, flows,
        plan::{self, Standing},
    },
    protect::probe_is_protected,
    select,
};

/// A call of connect(), and what the rules have decided so far.
///
/// Plain words without padding: it is handed to functions that the verifier checks by themselves.
#[repr(C)]
pub(crate) struct Attempt {
    now_ns: u64,
    cookie: u64,
    /// What calls to one endpoint share.
    endpoint_hash: u64,
    far_side: EndpointKey,
    /// Made by the near side.
    is_near: u32,
    /// On the list that no fault touches.
    protected: u32,
    /// The error it fails with; 0 while it goes on.
    errno: u32,
    /// Kill switch or lapsed lease: no rule is asked.
    left_alone: u32,
    pad: u32,
}

const _: () = assert!(size_of::<Attempt>() == 64);

/// Longest errno that the kernel takes from a program.
const MAX_ERRNO: u32 = 4_095;

impl Attempt {
    #[inline(always)]
    pub(crate) fn new(cookie: u64, far_side: EndpointKey, is_near: bool) -> Self {
        Self {
            now_ns: 0,
            cookie,
            endpoint_hash: 0,
            far_side,
            is_near: u32::from(is_near),
            protected: 0,
            errno: 0,
            left_alone: 0,
            pad: 0,
        }
    }

    /// What comes before the first rule. In this order: kill switch, lease, then each rule's own
    /// time and what no fault may touch.
    #[inline(always)]
    fn begin(&mut self) {
        // SAFETY: a helper call without arguments.
        self.now_ns = unsafe { bpf_ktime_get_ns() };
        let standing = plan::standing(self.now_ns);
        match standing {
            Standing::InForce => {}
            Standing::Killed => count_shared!(counters::injector(), killed),
            Standing::Lapsed => count_shared!(counters::injector(), lapsed),
        }
        self.left_alone = u32::from(standing != Standing::InForce);
        self.protected = is_protected(&self.far_side);
        let far_side = End {
            address: self.far_side.address,
            port: self.far_side.port,
        };
        self.endpoint_hash =
            connection::hashes(&far_side, &far_side, self.far_side.protocol).connection;
    }
}

/// Whether a connection yet to be made would be on the list of what no fault touches: one or zero.
#[inline(always)]
fn is_protected(far_side: &EndpointKey) -> u32 {
    let packet = Packet {
        destination: far_side.address,
        destination_port: far_side.port,
        protocol: far_side.protocol,
        ..Packet::default()
    };
    probe_is_protected(&packet)
}

/// Asks the rules; gives the error that connect() is to fail with, 0 for none.
#[inline(always)]
pub(crate) fn ask(attempt: &mut Attempt) -> i32 {
    probe_ask_attempt(attempt);
    match attempt.errno {
        errno @ 1..=MAX_ERRNO => errno as i32,
        _ => 0,
    }
}

/// Asks the rules of every target that the far side falls under; always zero. A global function:
/// the verifier checks it once, by itself.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_ask_attempt(attempt: *mut Attempt) -> u32 {
    // SAFETY: the caller's own; the verifier makes sure that it is one, or nothing.
    let (Some(attempt), Some(header)) = (unsafe { attempt.as_mut() }, plan::header()) else {
        return 0;
    };
    for shape in 0..MAX_SHAPES as u32 {
        if shape >= header.shape_count {
            break;
        }
        if let Some(target) = select::target(header, shape, &attempt.far_side) {
            ask_target(target, attempt);
        }
    }
    0
}

#[inline(always)]
fn ask_target(target: &Target, attempt: &mut Attempt) {
    if attempt.now_ns == 0 {
        attempt.begin();
    }
    for place in 0..MAX_RULES_PER_TARGET {
        if place as u32 >= target.count || attempt.left_alone | attempt.errno != 0 {
            break;
        }
        probe_ask_about_attempt(u32::from(target.rules[place]), attempt);
    }
}

/// Asks one rule; always zero. A global function for the same reason.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_ask_about_attempt(index: u32, attempt: *mut Attempt) -> u32 {
    // SAFETY: as above.
    if let Some(attempt) = unsafe { attempt.as_mut() }
        && let Some(rule) = plan::rule(index)
    {
        ask_rule(index, rule, attempt);
    }
    0
}

#[inline(always)]
fn ask_rule(index: u32, rule: &FaultRule, attempt: &mut Attempt) {
    let is_whose = rule.near == 0 || attempt.is_near != 0;
    if rule.direction & direction::CONNECT == 0 || !is_whose || attempt.now_ns >= rule.deadline_ns {
        return;
    }
    let is_limit = rule.kind == fault::LIMIT_CONNECTIONS;
    if is_limit && attempt.far_side.protocol != protocol::TCP {
        return;
    }
    if attempt.now_ns < rule.starts_ns {
        // What is made before it holds counts.
        if is_limit {
            limit::exceeds(index, rule, attempt.cookie, false);
        }
        return;
    }
    let counters = counters::rule(index);
    count_shared!(counters, seen);
    if attempt.protected != 0 {
        count_shared!(counters, protected);
        return;
    }
    let is_chosen = is_chosen(index, rule, attempt);
    if is_chosen {
        count_shared!(counters, matched);
    }
    let fails = match rule.kind {
        fault::LIMIT_CONNECTIONS => limit::exceeds(index, rule, attempt.cookie, is_chosen),
        fault::REFUSE => is_chosen,
        _ => false,
    };
    let permit = if fails {
        Permit::take(index, rule)
    } else {
        None
    };
    if permit.is_some() {
        attempt.errno = rule.errno;
        count_shared!(counters, refused);
        if let Some(flow) = flows::fault_flow(touches::socket_key(attempt.cookie, index)) {
            // SAFETY: a valid pointer into the map; a socket makes one call at a time.
            unsafe { (*flow).touches.note(attempt.now_ns) };
        }
    } else {
        if fails && is_limit {
            limit::let_in(index, attempt.cookie);
        }
        count_shared!(counters, passed);
    }
}

/// Whether a rule holds for this call: not in a pause, and of the share of connections.
#[inline(always)]
fn is_chosen(index: u32, rule: &FaultRule, attempt: &Attempt) -> bool {
    if Size::of(rule, attempt.now_ns).is_none() {
        return false;
    }
    if rule.flow_share == u32::MAX {
        return true;
    }
    // A connection that is yet to be made has no port of its own to be told by: they are numbered.
    let Some(flow) = flows::fault_flow(touches::flow_key(attempt.endpoint_hash, index)) else {
        return false;
    };
    // SAFETY: a valid pointer into the map; packets of no flow have this number.
    let number = unsafe { atomic::fetch_add(&raw mut (*flow).packets, 1) };
    let draw = random::draw(rule.seed, attempt.endpoint_hash, number + 1);
    random::hits(draw, rule.flow_share)
}

/// A socket is gone: it counts against no limit any more.
#[inline(always)]
pub(crate) fn closed(header: &PlanHeader, cookie: u64) {
    for place in 0..MAX_LIMITS {
        if place as u32 >= header.limit_count {
            break;
        }
        limit::close(header.limits[place], cookie);
    }
}
