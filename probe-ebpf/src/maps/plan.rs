//! What to inject: kill switch, lease, plan, targets, rules. Written by user space only.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap},
};
use probe_common::rule::{
    EndpointKey, FILTER_BITS, FaultRule, JitterTable, MAX_RULES, MAX_TARGETS, PlanHeader,
    RuleState, Target, distribution, kill,
};

#[map(name = "PROBE_KILL")]
static KILL: Array<u32> = Array::with_max_entries(kill::WORDS, 0);
#[map(name = "PROBE_LEASE")]
static LEASE: Array<u64> = Array::with_max_entries(1, 0);
#[map(name = "PROBE_PLAN")]
static PLAN: Array<PlanHeader> = Array::with_max_entries(1, 0);
#[map(name = "PROBE_TARGETS")]
static TARGETS: HashMap<EndpointKey, Target> = HashMap::with_max_entries(MAX_TARGETS, 0);
/// One bit for each target, by [`EndpointKey::filter_bit`].
#[map(name = "PROBE_FILTER")]
static FILTER: Array<u64> = Array::with_max_entries(FILTER_BITS / 64, 0);
#[map(name = "PROBE_RULES")]
static RULES: Array<FaultRule> = Array::with_max_entries(MAX_RULES, 0);

#[map(name = "PROBE_RULEST")]
static RULE_STATES: Array<RuleState> = Array::with_max_entries(MAX_RULES, 0);
#[map(name = "PROBE_JITTER")]
static JITTER: Array<JitterTable> = Array::with_max_entries(distribution::TABLES, 0);

/// Whether rules are asked at all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// They are.
    InForce,
    /// The kill switch is on.
    Killed,
    /// The lease has lapsed.
    Lapsed,
}

/// What comes before every rule: the kill switch first, because it must hold whatever else is
/// broken, then the lease.
#[inline(always)]
pub(crate) fn standing(now_ns: u64) -> Standing {
    if killed() {
        Standing::Killed
    } else if now_ns >= lease_until() {
        Standing::Lapsed
    } else {
        Standing::InForce
    }
}

/// Whether the kill switch is on. It is, too, where it can't be read.
#[inline(always)]
fn killed() -> bool {
    KILL.get(0).is_none_or(|&kill| {
        // SAFETY: a pointer into a map; another process may write it at any time.
        unsafe { core::ptr::read_volatile(&kill) != 0 }
    })
}

/// Until when user space vouches for the faults; the beginning of time where it can't be read.
#[inline(always)]
fn lease_until() -> u64 {
    LEASE.get(0).copied().unwrap_or(0)
}

#[inline(always)]
pub(crate) fn header() -> Option<&'static PlanHeader> {
    PLAN.get(0)
}

#[inline(always)]
pub(crate) fn target(key: &EndpointKey) -> Option<&'static Target> {
    let bit = key.filter_bit();
    if FILTER.get(bit / 64)? >> (bit % 64) & 1 == 0 {
        return None;
    }
    // SAFETY: user space replaces values whole and deletes them only after no shape leads to
    // them; a value read while it is replaced is one or the other of two valid ones, field by
    // field, and every index in it is checked.
    unsafe { TARGETS.get(key) }
}

#[inline(always)]
pub(crate) fn rule(index: u32) -> Option<&'static FaultRule> {
    RULES.get(index)
}

/// What a rule keeps across packets; changed by atomic operations only.
#[inline(always)]
pub(crate) fn state(index: u32) -> Option<*mut RuleState> {
    RULE_STATES.get_ptr_mut(index)
}

/// A quantile of a distribution that has a table, in units of jitter.
#[inline(always)]
pub(crate) fn jitter_quantile(distribution: u32, draw: u32) -> Option<i32> {
    let table = JITTER.get(distribution.wrapping_sub(1))?;
    let place = (draw >> 20) as usize & (distribution::TABLE_LENGTH - 1);
    Some(table.quantiles[place])
}
