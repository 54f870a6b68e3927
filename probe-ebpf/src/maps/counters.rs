//! Counters, one set a CPU.

use aya_ebpf::{macros::map, maps::PerCpuArray};
use probe_common::{
    counters::{InjectorCounters, ObserverCounters, RuleCounters},
    rule::MAX_RULES,
};

#[map(name = "PROBE_RULECNT")]
static RULE_COUNTERS: PerCpuArray<RuleCounters> = PerCpuArray::with_max_entries(MAX_RULES, 0);
#[map(name = "PROBE_INJCNT")]
static INJECTOR_COUNTERS: PerCpuArray<InjectorCounters> = PerCpuArray::with_max_entries(1, 0);
#[map(name = "PROBE_OBSCNT")]
static OBSERVER_COUNTERS: PerCpuArray<ObserverCounters> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
pub(crate) fn rule(index: u32) -> Option<*mut RuleCounters> {
    RULE_COUNTERS.get_ptr_mut(index)
}

#[inline(always)]
pub(crate) fn injector() -> Option<*mut InjectorCounters> {
    INJECTOR_COUNTERS.get_ptr_mut(0)
}

#[inline(always)]
pub(crate) fn observer() -> Option<*mut ObserverCounters> {
    OBSERVER_COUNTERS.get_ptr_mut(0)
}
