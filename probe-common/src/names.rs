//! Names of maps and programs, so that no string is written twice.
//!
//! The kernel keeps fifteen characters of a map's name; each of these fits, because `probe stop`
//! and `probe status` find the maps of other processes by name.

/// Maps.
pub mod map {
    /// Array of one `u32`: other than zero, no fault is applied. Written by `probe stop`.
    pub const KILL: &str = "PROBE_KILL";
    /// Array of one `u64`: until when, on CLOCK_MONOTONIC, user space vouches for the faults.
    pub const LEASE: &str = "PROBE_LEASE";
    /// Array of one [`crate::rule::PlanHeader`].
    pub const PLAN: &str = "PROBE_PLAN";
    /// Hash from [`crate::rule::EndpointKey`] to [`crate::rule::Target`].
    pub const TARGETS: &str = "PROBE_TARGETS";
    /// Array of [`crate::rule::FaultRule`], by rule index.
    pub const RULES: &str = "PROBE_RULES";
    /// Per-CPU array of [`crate::counters::RuleCounters`], by rule index.
    pub const RULE_COUNTERS: &str = "PROBE_RULECNT";
    /// Per-CPU array of one [`crate::counters::InjectorCounters`].
    pub const INJECTOR_COUNTERS: &str = "PROBE_INJCNT";
    /// Array of [`crate::rule::RuleState`], by rule index.
    pub const RULE_STATES: &str = "PROBE_RULEST";
    /// Array of [`crate::rule::JitterTable`], by distribution.
    pub const JITTER: &str = "PROBE_JITTER";
    /// LRU hash from flow hash to [`crate::rule::FaultFlow`].
    pub const FAULT_FLOWS: &str = "PROBE_FLTFLOW";
    /// Array of [`crate::line::Slot`], mapped into the delay line's memory.
    pub const LINE_SLOTS: &str = "PROBE_SLOTS";
    /// Array of `u64`: how many slots of each CPU's block have been given out.
    pub const LINE_CURSORS: &str = "PROBE_CURSORS";
    /// Array of [`crate::line::Way`], by tag.
    pub const WAYS: &str = "PROBE_WAYS";
    /// Per-CPU array of one question's name, while it is read.
    pub const QUESTION: &str = "PROBE_QUESTION";
    /// Ring buffer of events.
    pub const EVENTS: &str = "PROBE_EVENTS";
    /// Per-CPU array of one [`crate::counters::ObserverCounters`].
    pub const OBSERVER_COUNTERS: &str = "PROBE_OBSCNT";
    /// LRU hash from socket cookie to [`crate::flow::Flow`].
    pub const FLOWS: &str = "PROBE_FLOWS";
    /// Hash from [`crate::flow::PeerKey`] to its slot.
    pub const PEERS: &str = "PROBE_PEERS";
    /// Array of one `u64`: how many peer slots have been given out.
    pub const PEER_CURSOR: &str = "PROBE_PEERCUR";
    /// Per-CPU array of [`crate::counters::PeerCounters`], by peer slot.
    pub const PEER_COUNTERS: &str = "PROBE_PEERCNT";
    /// Per-CPU array of [`crate::histogram::Buckets`], by peer slot.
    pub const LATENCY: &str = "PROBE_LATENCY";
}

/// Programs.
pub mod program {
    /// TC egress: applies faults to packets towards an endpoint.
    pub const TC_EGRESS: &str = "tc_egress_inject";
    /// TC ingress: applies faults to packets from an endpoint.
    pub const TC_INGRESS: &str = "tc_ingress_inject";
    /// TC ingress of the delay line's TAP device: sends packets on their way again.
    pub const TC_LINE: &str = "tc_line_return";
    /// cgroup_skb egress: observes what sockets send.
    pub const SKB_EGRESS: &str = "skb_egress_observe";
    /// cgroup_skb ingress: observes what sockets receive.
    pub const SKB_INGRESS: &str = "skb_ingress_observe";
    /// sock_ops: observes connections being made and ended.
    pub const SOCK_OPS: &str = "sock_ops_observe";
    /// cgroup/connect4: observes who connects.
    pub const CONNECT4: &str = "connect4_observe";
    /// cgroup/connect6: observes who connects.
    pub const CONNECT6: &str = "connect6_observe";
}

/// Every map of the object, for tests and for telling ours from others.
pub const MAPS: [&str; 21] = [
    map::KILL,
    map::LEASE,
    map::PLAN,
    map::TARGETS,
    map::RULES,
    map::RULE_COUNTERS,
    map::INJECTOR_COUNTERS,
    map::RULE_STATES,
    map::JITTER,
    map::FAULT_FLOWS,
    map::LINE_SLOTS,
    map::LINE_CURSORS,
    map::WAYS,
    map::QUESTION,
    map::EVENTS,
    map::OBSERVER_COUNTERS,
    map::FLOWS,
    map::PEERS,
    map::PEER_CURSOR,
    map::PEER_COUNTERS,
    map::LATENCY,
];

/// Every program of the object.
pub const PROGRAMS: [&str; 8] = [
    program::TC_EGRESS,
    program::TC_INGRESS,
    program::TC_LINE,
    program::SKB_EGRESS,
    program::SKB_INGRESS,
    program::SOCK_OPS,
    program::CONNECT4,
    program::CONNECT6,
];

#[cfg(test)]
mod tests {
    #[test]
    fn map_names_survive_the_kernels_limit() {
        for name in super::MAPS {
            assert!(name.len() <= 15, "{name} would be cut");
        }
    }
}
