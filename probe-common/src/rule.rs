//! What user space tells the injector: which packets, which faults, until when.

use crate::{
    address::Address,
    touches::{NEVER, Touches},
};

/// Most distinct endpoint shapes (prefix length, with or without port and protocol) of one
/// plan. A packet costs one look-up a shape, however many endpoints there are.
pub const MAX_SHAPES: usize = 8;
/// Most rules on one endpoint.
pub const MAX_RULES_PER_TARGET: usize = 8;
/// Most endpoints of one plan.
pub const MAX_TARGETS: u32 = 4096;
/// Most rules of one plan.
pub const MAX_RULES: u32 = 2048;
/// Most flows whose packets are numbered at once; beyond, the longest idle one starts anew.
pub const MAX_FAULT_FLOWS: u32 = 65_536;

/// [`FaultRule::kind`] values.
pub mod fault {
    /// Packets wait [`FaultRule::delay_ns`](super::FaultRule::delay_ns) ± jitter.
    pub const DELAY: u32 = 1;
    /// Packets vanish with a probability.
    pub const LOSS: u32 = 2;
    /// One bit flips; the checksum no longer fits.
    pub const CORRUPT_WIRE: u32 = 3;
    /// One bit of the payload flips; the checksum is made to fit.
    pub const CORRUPT_PAYLOAD: u32 = 4;
    /// Every packet vanishes.
    pub const BLACKHOLE: u32 = 5;
    /// Packets vanish in bursts, by two states (Gilbert-Elliott).
    pub const LOSS_IN_BURSTS: u32 = 6;
    /// Packets are followed by a copy.
    pub const DUPLICATE: u32 = 7;
    /// Packets wait a while, and those behind them don't.
    pub const REORDER: u32 = 8;
    /// Packets wait until a token bucket lets them go.
    pub const RATE: u32 = 9;
    /// TCP connections are reset, at both ends.
    pub const RESET: u32 = 10;
    /// The status of HTTP/1 answers is rewritten to [`FaultRule::status`](super::FaultRule).
    pub const HTTP_STATUS: u32 = 11;
    /// DNS questions are answered with the response code [`FaultRule::status`](super::FaultRule).
    pub const DNS: u32 = 12;
    /// connect() fails with [`FaultRule::errno`](super::FaultRule::errno).
    pub const REFUSE: u32 = 13;
    /// connect() fails beyond so many connections at once.
    pub const LIMIT_CONNECTIONS: u32 = 14;
    /// Processes are stopped. No packet meets it: user space does it.
    pub const PAUSE: u32 = 15;
    /// Processes get [`FaultRule::signal`](super::FaultRule::signal). No packet meets it.
    pub const KILL: u32 = 16;
}

/// [`FaultRule::distribution`] values: how jitter is spread around the delay.
pub mod distribution {
    /// Evenly over ± jitter.
    pub const UNIFORM: u32 = 0;
    /// Normally, jitter being the standard deviation.
    pub const NORMAL: u32 = 1;
    /// By a Pareto distribution of shape 3.
    pub const PARETO: u32 = 2;
    /// A quarter normal, three quarters Pareto.
    pub const PARETO_NORMAL: u32 = 3;
    /// How many have a table.
    pub const TABLES: u32 = 3;
    /// Entries of a table: quantiles at the middles of as many equal shares.
    pub const TABLE_LENGTH: usize = 4_096;
    /// What stands for 1 in a table.
    pub const UNIT: i32 = 8_192;
}

/// Quantiles of a jitter distribution, in units of jitter times [`distribution::UNIT`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JitterTable {
    /// The quantiles, ascending.
    pub quantiles: [i32; distribution::TABLE_LENGTH],
}

/// [`FaultRule::direction`] bits.
pub mod direction {
    /// Packets towards the endpoint.
    pub const EGRESS: u32 = 1;
    /// Packets from the endpoint.
    pub const INGRESS: u32 = 2;
    /// No packets: calls of connect() towards the endpoint.
    pub const CONNECT: u32 = 4;
}

/// [`PlanHeader::near_kind`] values: whose traffic rules with [`FaultRule::near`] hold for.
pub mod near {
    /// Everybody's.
    pub const NONE: u32 = 0;
    /// That of processes, by id or command name.
    pub const PROCESSES: u32 = 1;
    /// That of sockets made in a cgroup or below it.
    pub const CGROUP: u32 = 2;
}

/// [`FaultRule::only`] values: which connections, by whether the rule saw them begin.
pub mod only {
    /// All.
    pub const ALL: u32 = 0;
    /// Those that began while the rule held.
    pub const NEW: u32 = 1;
    /// Those that were there before.
    pub const ESTABLISHED: u32 = 2;
}

/// Most sockets, connections and local ports of a near side that are known at once.
pub const MAX_NEAR: u32 = 32_768;
/// Most connections whose age is known at once.
pub const MAX_BEGUN: u32 = 65_536;
/// Most connections that are counted against limits at once.
pub const MAX_COUNTED: u32 = 65_536;
/// Most rules of one plan that limit connections.
pub const MAX_LIMITS: usize = 8;

/// A connection that counts against a limit.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CountedKey {
    /// Cookie of its socket.
    pub cookie: u64,
    /// Index of the rule.
    pub rule: u32,
    /// Always zero.
    pub pad: u32,
}

/// A local port of the near side's alone.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NearPort {
    /// Port, host order.
    pub port: u16,
    /// Protocol number.
    pub protocol: u16,
}

/// Words of the map of the kill switch.
pub mod kill {
    /// Other than zero, no fault is applied. The one word of any version that others write.
    pub const THROWN: u32 = 0;
    /// Other than zero where faults are armed: for who throws the switch, to tell whether it ended any.
    pub const ARMED: u32 = 1;
    /// How many words there are.
    pub const WORDS: u32 = 2;
}

/// The far side of a packet: address, port and protocol.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointKey {
    /// Remote address.
    pub address: Address,
    /// Remote port, host order; 0 where the protocol has none or the shape leaves it out.
    pub port: u16,
    /// Protocol number; 0 where the shape leaves it out.
    pub protocol: u8,
    /// Always zero.
    pub pad: u8,
}

/// Bits of the filter that stands before the targets: of far sides that are none, most are told by
/// one bit, without a look-up.
pub const FILTER_BITS: u32 = 1 << 16;

impl EndpointKey {
    /// Which bit of the filter is set where this is a target.
    ///
    /// Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4): the upper bits of a
    /// product depend on every bit of the factor.
    #[inline(always)]
    pub fn filter_bit(&self) -> u32 {
        let [a, b] = self.address.words();
        let rest = u64::from(self.port) | u64::from(self.protocol) << 16;
        let mixed = a.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ b.wrapping_mul(0xbf58_476d_1ce4_e5b9)
            ^ rest.wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 48) as u32 & (FILTER_BITS - 1)
    }
}

/// Which bits of an [`EndpointKey`] a group of endpoints is compared by.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Mask over the address's octets.
    pub address: Address,
    /// All ones where the port counts, else zero.
    pub port: u16,
    /// All ones where the protocol counts, else zero.
    pub protocol: u8,
    /// Always zero.
    pub pad: u8,
}

impl Shape {
    /// The key under which an endpoint of this shape is kept.
    #[inline(always)]
    pub fn apply(&self, key: &EndpointKey) -> EndpointKey {
        let (a, m) = (key.address.u32s(), self.address.u32s());
        EndpointKey {
            address: Address::from_u32s([a[0] & m[0], a[1] & m[1], a[2] & m[2], a[3] & m[3]]),
            port: key.port & self.port,
            protocol: key.protocol & self.protocol,
            pad: 0,
        }
    }
}

/// The rules of one endpoint.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// How many of `rules` count.
    pub count: u32,
    /// Rule indices, in the order in which they are applied.
    pub rules: [u16; MAX_RULES_PER_TARGET],
}

/// What holds for the whole plan, and who armed it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanHeader {
    /// [`crate::ABI_VERSION`] of the process that armed it.
    pub abi: u32,
    /// Process id of the process that armed it.
    pub owner_pid: u32,
    /// Grows with each change of the plan.
    pub generation: u32,
    /// How many of `shapes` count.
    pub shape_count: u32,
    /// How many rules are armed.
    pub rule_count: u32,
    /// Index of the delay line's TAP device; 0 without one.
    pub line_ifindex: u32,
    /// Which of the host's lines it is, from 0; see [`crate::line::mark`].
    pub line: u32,
    /// How many slots each CPU has.
    pub slots_per_cpu: u32,
    /// One where `line` is taken.
    pub line_claimed: u32,
    /// One where DNS answers are overheard.
    pub overhears: u32,
    /// Index of the fq lane's near end; 0 without one.
    pub lane_ifindex: u32,
    /// Always zero.
    pub pad: u32,
    /// Inode of the network namespace, as in /proc/PID/ns/net.
    pub netns_inode: u64,
    /// When the process armed its first fault, on CLOCK_MONOTONIC.
    pub armed_ns: u64,
    /// Shapes in use.
    pub shapes: [Shape; MAX_SHAPES],
    /// One of [`near`].
    pub near_kind: u32,
    /// How deep the near side's cgroup lies below the root of the hierarchy.
    pub near_cgroup_level: u32,
    /// Id of the near side's cgroup, or of its one process.
    pub near_id: u64,
    /// Command name of the near side's processes, zeroes behind it; empty where they have none.
    pub near_command: [u8; 16],
    /// Cookie of the network namespace; 0 where it wasn't needed.
    pub netns_cookie: u64,
    /// How many of the rules are about connect().
    pub connect_rules: u32,
    /// How many of `limits` count.
    pub limit_count: u32,
    /// Indices of the rules that limit connections.
    pub limits: [u32; MAX_LIMITS],
}

impl Default for PlanHeader {
    fn default() -> Self {
        Self {
            abi: crate::ABI_VERSION,
            owner_pid: 0,
            generation: 0,
            shape_count: 0,
            rule_count: 0,
            line_ifindex: 0,
            line: 0,
            slots_per_cpu: 0,
            line_claimed: 0,
            overhears: 0,
            lane_ifindex: 0,
            pad: 0,
            netns_inode: 0,
            armed_ns: 0,
            shapes: [Shape::default(); MAX_SHAPES],
            near_kind: near::NONE,
            near_cgroup_level: 0,
            near_id: 0,
            near_command: [0; 16],
            netns_cookie: 0,
            connect_rules: 0,
            limit_count: 0,
            limits: [0; MAX_LIMITS],
        }
    }
}

/// One fault on one set of endpoints.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultRule {
    /// One of [`fault`].
    pub kind: u32,
    /// Bits of [`direction`].
    pub direction: u32,
    /// From when on the rule holds, on CLOCK_MONOTONIC.
    pub starts_ns: u64,
    /// Until when the rule holds, on CLOCK_MONOTONIC.
    pub deadline_ns: u64,
    /// Share of packets, in parts of 2³²; `u32::MAX` is all of them.
    pub probability: u32,
    /// How much of a draw is the one before, in parts of 2³².
    pub correlation: u32,
    /// Delay, reorder: how long packets wait.
    pub delay_ns: u64,
    /// Delay: how far that is spread.
    pub jitter_ns: u64,
    /// Seed of the rule's decisions.
    pub seed: u64,
    /// How long the fault takes to grow to its full size; 0 for at once.
    pub ramp_ns: u64,
    /// For how long it holds, again and again; 0 for all the time.
    pub pulse_on_ns: u64,
    /// For how long it pauses in between.
    pub pulse_off_ns: u64,
    /// Rate: what a byte costs, in nanoseconds times 2¹⁶.
    pub byte_cost: u64,
    /// Rate: how far the bucket may run ahead, in nanoseconds.
    pub burst_ns: u64,
    /// Touch no more packets than this; 0 for no limit.
    pub max_packets: u64,
    /// Share of connections, in parts of 2³²; `u32::MAX` is all of them.
    pub flow_share: u32,
    /// One of [`distribution`].
    pub distribution: u32,
    /// Loss in bursts: from good to bad, from bad to good, loss while bad, loss while good; each
    /// in parts of 2³².
    pub bursts: [u32; 4],
    /// HTTP: the status that answers get. DNS: the response code, or [`dns::TIMEOUT`].
    pub status: u32,
    /// Always zero.
    pub pad: u32,
    /// One of [`only`].
    pub only: u32,
    /// One where it holds for the near side alone.
    pub near: u32,
    /// Refuse, limit: the error that connect() fails with.
    pub errno: u32,
    /// Kill: the number of the signal.
    pub signal: u32,
    /// Limit: how many connections may be open at once.
    pub limit: u64,
    /// Limit: how many of those that count were open before; see [`RuleState::open`].
    pub seeded: u64,
    /// Touch no more connections than this; 0 for no limit.
    pub max_flows: u64,
    /// DNS: which names are asked for.
    pub name: NamePattern,
}

/// [`FaultRule::status`] values for DNS beside response codes.
pub mod dns {
    /// The question vanishes. No response code has so many bits.
    pub const TIMEOUT: u32 = 1 << 16;
}

/// Longest pattern of DNS names, its star aside.
pub const MAX_NAME_PATTERN: usize = 128;

/// Which DNS names a rule is about: what they begin with, and what they end in.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamePattern {
    /// How many bytes of `text` names begin with.
    pub prefix: u8,
    /// How many bytes of `text`, after those, names end in.
    pub suffix: u8,
    /// One where anything may stand between the two; else names end with the prefix.
    pub starred: u8,
    /// Always zero.
    pub pad: [u8; 5],
    /// Both, in small letters, labels separated by dots.
    pub text: [u8; MAX_NAME_PATTERN],
}

impl NamePattern {
    /// Every name.
    pub const ANY: Self = Self {
        prefix: 0,
        suffix: 0,
        starred: 1,
        pad: [0; 5],
        text: [0; MAX_NAME_PATTERN],
    };
}

impl Default for NamePattern {
    fn default() -> Self {
        Self::ANY
    }
}

/// What a rule keeps across packets and CPUs.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleState {
    /// Rate: when the bucket is full again, on CLOCK_MONOTONIC.
    pub full_ns: u64,
    /// Packets touched, where their number is limited.
    pub touched: u64,
    /// Limit: connections made since the rule was written, less those closed since. With
    /// [`FaultRule::seeded`] it is how many are open; by itself it may be below zero.
    pub open: u64,
    /// Connections touched, where their number is limited.
    pub flows: u64,
}

/// Per flow and rule state of the injector.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultFlow {
    /// How many packets of the flow have been seen.
    pub packets: u64,
    /// When the last delayed one is due: a later one is not due before it, so that jitter alone
    /// never reorders a flow.
    pub last_due_ns: u64,
    /// The last draw, for correlation.
    pub last_draw: u32,
    /// One while packets are lost in a burst. Where the number of connections is limited, each has
    /// an entry of its own, in which this is one of [`admission`].
    pub bad: u32,
    /// When packets of it were touched.
    pub touches: Touches,
}

impl FaultFlow {
    /// One of which nothing is known yet.
    pub const NEW: Self = Self {
        packets: 0,
        last_due_ns: 0,
        last_draw: 0,
        bad: 0,
        touches: NEVER,
    };
}

/// What [`FaultFlow::bad`] says of a connection where their number is limited.
pub mod admission {
    /// Nobody asked yet.
    pub const UNDECIDED: u32 = 0;
    /// It may be touched.
    pub const ADMITTED: u32 = 1;
    /// There were as many before it as may be touched.
    pub const REFUSED: u32 = 2;
}

const _: () = assert!(size_of::<EndpointKey>() == 20);
const _: () = assert!(size_of::<Shape>() == 20);
const _: () = assert!(size_of::<Target>() == 20);
const _: () = assert!(size_of::<PlanHeader>() == 64 + 20 * MAX_SHAPES + 48 + 4 * MAX_LIMITS);
const _: () = assert!(size_of::<FaultRule>() == 312);
const _: () = assert!(size_of::<CountedKey>() == 16);
const _: () = assert!(size_of::<NearPort>() == 4);
const _: () = assert!(size_of::<FaultFlow>() == 160);

#[cfg(feature = "user")]
mod pod {
    //! SAFETY for each: `#[repr(C)]`, integers and arrays of them only, no padding that the
    //! compiler adds (the assertions above count every byte), any bit pattern valid.
    // SAFETY: as above.
    unsafe impl aya::Pod for super::EndpointKey {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::Target {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::PlanHeader {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::FaultRule {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::FaultFlow {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::JitterTable {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::CountedKey {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::NearPort {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_leaves_out_what_it_does_not_compare() {
        let key = EndpointKey {
            address: Address::from_v4([10, 1, 2, 3]),
            port: 80,
            protocol: 6,
            pad: 0,
        };
        let mut octets = [0xff; 16];
        octets[14] = 0;
        octets[15] = 0;
        let shape = Shape {
            address: Address { octets },
            port: 0,
            protocol: 0xff,
            pad: 0,
        };
        let kept = shape.apply(&key);
        assert_eq!(kept.address, Address::from_v4([10, 1, 0, 0]));
        assert_eq!((kept.port, kept.protocol), (0, 6));
    }
}
