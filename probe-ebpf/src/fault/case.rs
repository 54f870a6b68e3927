//! A packet before its rules.

use core::mem::MaybeUninit;

use aya_ebpf::helpers::bpf_ktime_get_ns;
use probe_common::{
    line::mark,
    rule::{PlanHeader, direction},
};
use probe_ebpf::packet::Packet;

use crate::{
    maps::{
        count, counters,
        plan::{self, Standing},
    },
    protect::probe_is_protected,
    select::hashes,
    skb::Skb,
};

/// A packet before its rules, and what they have decided so far.
///
/// Plain words without padding: it is handed to a function that the verifier checks by itself,
/// and that knows no more of it than its size.
#[repr(C)]
pub(crate) struct Case {
    /// Zero until the first target was consulted.
    pub(super) now_ns: u64,
    pub(super) flow_hash: u64,
    pub(super) connection_hash: u64,
    /// How long the packet is to wait.
    pub(super) wait_ns: u64,
    /// The delay line's device; 0 without one.
    pub(super) line_ifindex: u32,
    /// The mark that packets get there.
    pub(super) mark: u32,
    pub(super) slots_per_cpu: u32,
    /// One of [`direction`].
    pub(super) way: u32,
    pub(super) length: u32,
    pub(super) transport: u32,
    pub(super) protocol: u32,
    pub(super) network: u32,
    pub(super) v6: u32,
    /// Has no transport header.
    pub(super) later_fragment: u32,
    pub(super) protected: u32,
    /// Kill switch or lapsed lease: no rule is asked.
    pub(super) left_alone: u32,
    pub(super) vanishes: u32,
    pub(super) into_line: u32,
    /// What the line is to do with it besides waiting.
    pub(super) line_flags: u32,
    pub(super) random: u32,
    /// Which rule sent it into the line last, or back, should that fail.
    pub(super) acting_rule: u32,
    /// Goes back to who sent it: how, as `turn_back.rs` has it.
    pub(super) turned_back: u32,
    /// The fq lane's near end; 0 without one.
    pub(super) lane_ifindex: u32,
    /// Is the near side's.
    pub(crate) near: u32,
}

const _: () = assert!(size_of::<Case>().is_multiple_of(size_of::<u64>()));

/// The mark of this injector's packets in one direction; zero where it has none.
#[inline(always)]
pub(crate) fn mark_of(header: &PlanHeader, way: u32) -> u16 {
    if header.line_claimed == 0 {
        return 0;
    }
    mark(header.line, way == direction::INGRESS)
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
        header: &PlanHeader,
    ) -> &'a mut Self {
        let words = room.as_mut_ptr().cast::<u64>();
        for at in 0..size_of::<Self>() / size_of::<u64>() {
            // SAFETY: within the room, which is aligned for words.
            unsafe { words.add(at).write_volatile(0) };
        }
        // SAFETY: every byte was written (its size is a multiple of a word's), and all zero is a
        // case.
        let case = unsafe { room.assume_init_mut() };
        case.line_ifindex = header.line_ifindex;
        case.lane_ifindex = header.lane_ifindex;
        case.mark = u32::from(mark_of(header, way));
        case.slots_per_cpu = header.slots_per_cpu;
        case.way = way;
        case.length = skb.len();
        case.transport = u32::from(packet.transport);
        case.protocol = u32::from(packet.protocol);
        case.network = u32::from(packet.network);
        case.v6 = u32::from(packet.v6);
        case.later_fragment = u32::from(packet.later_fragment);
        case
    }

    /// What comes before the first rule of a packet. In this order: kill switch, lease, then (in
    /// `ask`) each rule's own time, and what no fault may touch.
    #[inline(always)]
    pub(super) fn begin(&mut self, packet: &Packet) {
        // SAFETY: a helper call without arguments.
        self.now_ns = unsafe { bpf_ktime_get_ns() };
        let standing = plan::standing(self.now_ns);
        match standing {
            Standing::InForce => {}
            Standing::Killed => count!(counters::injector(), killed),
            Standing::Lapsed => count!(counters::injector(), lapsed),
        }
        self.left_alone = u32::from(standing != Standing::InForce);
        self.protected = probe_is_protected(packet);
        let hashes = hashes(packet);
        self.flow_hash = hashes.flow;
        self.connection_hash = hashes.connection;
    }
}
