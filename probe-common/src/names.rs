//! Names of maps and programs, so that no string is written twice.
//!
//! The kernel keeps fifteen characters of a map's name; each of these fits, because `probe stop`
//! and `probe status` find the maps of other processes by name.

/// Maps.
pub mod map {
    /// Array of `u32`, by [`crate::rule::kill`]: where the first is other than zero, no fault is
    /// applied. Written by `probe stop`.
    pub const KILL: &str = "PROBE_KILL";
    /// Array of one `u64`: until when, on CLOCK_MONOTONIC, user space vouches for the faults.
    pub const LEASE: &str = "PROBE_LEASE";
    /// Array of one [`crate::rule::PlanHeader`].
    pub const PLAN: &str = "PROBE_PLAN";
    /// Hash from [`crate::rule::EndpointKey`] to [`crate::rule::Target`].
    pub const TARGETS: &str = "PROBE_TARGETS";
    /// Array of `u64`: the filter before the targets, by [`crate::rule::EndpointKey::filter_bit`].
    pub const FILTER: &str = "PROBE_FILTER";
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
    /// Hash of the process ids of the near side.
    pub const NEAR_PIDS: &str = "PROBE_NEARPID";
    /// LRU hash of the cookies of the near side's sockets.
    pub const NEAR_SOCKETS: &str = "PROBE_NEARSOCK";
    /// LRU hash of the hashes of the near side's connections.
    pub const NEAR_CONNECTIONS: &str = "PROBE_NEARCON";
    /// Hash of [`crate::rule::NearPort`].
    pub const NEAR_PORTS: &str = "PROBE_NEARPORT";
    /// LRU hash from a connection under a rule to one of [`crate::rule::only`].
    pub const BEGUN: &str = "PROBE_BEGUN";
    /// Hash of [`crate::rule::CountedKey`].
    pub const COUNTED: &str = "PROBE_COUNTED";
    /// Array of one [`crate::protect::ProtectHeader`]: the list of what no fault touches.
    pub const PROTECT: &str = "PROBE_PROTECT";
    /// Array of `u32`: what the list has on each port; see [`crate::protect::port`].
    pub const PROTECTED_PORTS: &str = "PROBE_PROTPORT";
    /// Hash of [`crate::protect::ProtectedKey`]: endpoints and connections on the list.
    pub const PROTECTED_ENDS: &str = "PROBE_PROTENDS";
    /// Array of [`crate::line::Slot`], mapped into the delay line's memory.
    pub const LINE_SLOTS: &str = "PROBE_SLOTS";
    /// Array of `u64`: how many slots of each CPU's block have been given out.
    pub const LINE_CURSORS: &str = "PROBE_CURSORS";
    /// Array of `u64`, by [`crate::line::read_until`], mapped into the delay line's memory.
    pub const LINE_READ: &str = "PROBE_LINEREAD";
    /// Array of [`crate::line::Way`], by tag.
    pub const WAYS: &str = "PROBE_WAYS";
    /// Ring buffer of [`crate::overheard::DnsMessage`].
    pub const OVERHEARD: &str = "PROBE_DNS";
    /// Array of [`crate::lane::LaneSlot`].
    pub const LANE_SLOTS: &str = "PROBE_LANESLOT";
    /// Array of `u64`, by [`crate::lane::word`].
    pub const LANE: &str = "PROBE_LANE";
    /// Per-CPU array of [`crate::histogram::Buckets`], by [`crate::lane::wait`].
    pub const LANE_WAITS: &str = "PROBE_LANEWAIT";
    /// Per-CPU array of one room for what is read of a packet.
    pub const ROOM: &str = "PROBE_ROOM";
    /// Array of [`crate::tray::Place`], mapped into the observer's memory: events of a fixed length.
    pub const TRAYS: &str = "PROBE_TRAYS";
    /// Array of [`crate::tray::Cursor`], by tray, mapped into the observer's memory.
    pub const TRAY_CURSORS: &str = "PROBE_TRAYCUR";
    /// Ring buffer of the events that carry pieces of traffic, or found their tray full.
    pub const EVENTS: &str = "PROBE_EVENTS";
    /// Per-CPU array of one [`crate::counters::ObserverCounters`].
    pub const OBSERVER_COUNTERS: &str = "PROBE_OBSCNT";
    /// LRU hash from socket cookie to [`crate::flow::Flow`].
    pub const FLOWS: &str = "PROBE_FLOWS";
    /// LRU hash from [`crate::question::QuestionKey`] to [`crate::question::Question`].
    pub const ASKED: &str = "PROBE_ASKED";
    /// LRU hash from the cookie of a UDP socket to [`crate::question::Asker`].
    pub const ASKERS: &str = "PROBE_ASKERS";
    /// Hash from [`crate::flow::PeerKey`] to the handle of its slot.
    pub const PEERS: &str = "PROBE_PEERS";
    /// Queue of handles: the slots that nobody has.
    pub const FREE_PEERS: &str = "PROBE_PEERFREE";
    /// Array of [`crate::peer::PeerSlot`].
    pub const PEER_SLOTS: &str = "PROBE_PEERSLOT";
    /// Per-CPU array of [`crate::counters::PeerCounters`], by peer slot.
    pub const PEER_COUNTERS: &str = "PROBE_PEERCNT";
    /// Array of [`crate::histogram::Buckets`], by peer slot; all CPUs count in the same.
    pub const LATENCY: &str = "PROBE_LATENCY";
    /// Array of [`crate::gauge::Gauge`], by peer slot, mapped into the observer's memory.
    pub const GAUGES: &str = "PROBE_GAUGES";
    /// LRU hash from [`crate::framing::StreamKey`] to [`crate::framing::Stream`].
    pub const STREAMS: &str = "PROBE_STREAMS";
    /// Bytes of connections whose bytes are divided that were overtaken.
    pub const GAPS: &str = "PROBE_GAPS";
}

/// Programs.
pub mod program {
    /// TC egress: applies faults to packets towards an endpoint.
    pub const TC_EGRESS: &str = "tc_egress_inject";
    /// TC ingress: applies faults to packets from an endpoint.
    pub const TC_INGRESS: &str = "tc_ingress_inject";
    /// TC ingress of the delay line's TAP device: sends packets on their way again.
    pub const TC_LINE: &str = "tc_line_return";
    /// Never attached: tells what the parser makes of a frame, to be held against the same source
    /// built for the host.
    pub const TC_PARSE: &str = "tc_parse";
    /// TC ingress of the fq lane's near end: sends packets on their way again, or back to wait on.
    pub const TC_LANE: &str = "tc_lane_return";
    /// TC ingress of the fq lane's far end: turns packets around.
    pub const TC_LANE_TURN: &str = "tc_lane_turn";
    /// cgroup/connect4: lets connections fail, and notes the near side's sockets.
    pub const CONNECT4_INJECT: &str = "connect4_inject";
    /// cgroup/connect6: the same for IPv6.
    pub const CONNECT6_INJECT: &str = "connect6_inject";
    /// cgroup/sock_create: notes the near side's sockets.
    pub const SOCK_CREATE: &str = "sock_create_note";
    /// cgroup/sock_release: notes that connections are over.
    pub const SOCK_RELEASE: &str = "sock_release_note";
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

    /// cgroup/sendmsg4: observes who asks DNS servers.
    pub const SENDMSG4: &str = "sendmsg4_observe";
    /// cgroup/sendmsg6: observes who asks DNS servers.
    pub const SENDMSG6: &str = "sendmsg6_observe";
    /// cgroup/sock_create: observes who makes UDP sockets.
    pub const SOCK_CREATE_OBSERVE: &str = "sock_create_observe";
    /// cgroup/sock_release: observes UDP sockets being closed.
    pub const SOCK_RELEASE_OBSERVE: &str = "sock_release_observe";

    /// Those of the observer.
    pub const OBSERVER: &[&str] = &[
        SKB_EGRESS,
        SKB_INGRESS,
        SOCK_OPS,
        CONNECT4,
        CONNECT6,
        SENDMSG4,
        SENDMSG6,
        SOCK_CREATE_OBSERVE,
        SOCK_RELEASE_OBSERVE,
    ];
}

/// Constants of the object that are set when it is loaded.
pub mod global {
    /// A `u32`: other than zero where the kernel has what the fq lane takes (5.18).
    pub const LANE: &str = "PROBE_HAS_LANE";
    /// A `u32`: how many trays there are, see [`crate::tray::trays`].
    pub const TRAY_COUNT: &str = "PROBE_TRAYCNT";
    /// A `u32`: how many places a tray has, see [`crate::tray::places`].
    pub const PLACES: &str = "PROBE_PLACES";
}

/// Every map of the object, for tests and for telling ours from others.
pub const MAPS: &[&str] = &[
    map::KILL,
    map::LEASE,
    map::PLAN,
    map::TARGETS,
    map::FILTER,
    map::RULES,
    map::RULE_COUNTERS,
    map::INJECTOR_COUNTERS,
    map::RULE_STATES,
    map::JITTER,
    map::FAULT_FLOWS,
    map::NEAR_PIDS,
    map::NEAR_SOCKETS,
    map::NEAR_CONNECTIONS,
    map::NEAR_PORTS,
    map::BEGUN,
    map::COUNTED,
    map::PROTECT,
    map::PROTECTED_PORTS,
    map::PROTECTED_ENDS,
    map::LINE_SLOTS,
    map::LINE_CURSORS,
    map::LINE_READ,
    map::WAYS,
    map::OVERHEARD,
    map::LANE_SLOTS,
    map::LANE,
    map::LANE_WAITS,
    map::ROOM,
    map::TRAYS,
    map::TRAY_CURSORS,
    map::EVENTS,
    map::OBSERVER_COUNTERS,
    map::FLOWS,
    map::PEERS,
    map::ASKED,
    map::ASKERS,
    map::FREE_PEERS,
    map::PEER_SLOTS,
    map::PEER_COUNTERS,
    map::LATENCY,
    map::GAUGES,
    map::STREAMS,
    map::GAPS,
];

/// Every program of the object.
pub const PROGRAMS: &[&str] = &[
    program::TC_EGRESS,
    program::TC_INGRESS,
    program::TC_LINE,
    program::TC_PARSE,
    program::TC_LANE,
    program::TC_LANE_TURN,
    program::CONNECT4_INJECT,
    program::CONNECT6_INJECT,
    program::SOCK_CREATE,
    program::SOCK_RELEASE,
    program::SKB_EGRESS,
    program::SKB_INGRESS,
    program::SOCK_OPS,
    program::CONNECT4,
    program::CONNECT6,
    program::SENDMSG4,
    program::SENDMSG6,
    program::SOCK_CREATE_OBSERVE,
    program::SOCK_RELEASE_OBSERVE,
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
