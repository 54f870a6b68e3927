//! The fq lane's side of the boundary: what is known of a packet that waits inside the kernel.
//!
//! A packet bound for the lane gets a departure time, which fq honours, and a VLAN tag whose
//! sixteen bits are the number of a slot. The slot says when the packet is really due and where
//! it goes on. It waits in hops of [`HOP_NS`] at most, because nothing can take a packet out of
//! fq before its departure time: so packets can be let go within one hop.

/// How many slots there are, and so packets that wait at once.
pub const SLOTS: u32 = 1 << 16;
/// How many slots are tried before the lane counts as full.
pub const TRIES: u32 = 8;
/// What separates those: odd, so that every slot is reached.
pub const STRIDE: u32 = 8_191;
/// Most bytes that wait at once.
pub const MOST_BYTES: u64 = 512 << 20;
/// The longest a packet stays in fq before it is looked at again.
pub const HOP_NS: u64 = 50_000_000;
/// What waits no longer than this is kept in order by its flow, rather than by its time.
pub const SHORT_NS: u64 = 1_000_000;
/// A packet that hasn't come back so long after its time was lost on the way.
pub const LOST_AFTER_NS: u64 = 10_000_000_000;

/// Entries of the map of words.
pub mod word {
    /// How many slots have been asked for.
    pub const CURSOR: u32 = 0;
    /// Bytes that wait.
    pub const BYTES: u32 = 1;
    /// Other than zero: every packet goes on at its next hop. Written by user space.
    pub const LET_GO: u32 = 2;
    /// How many there are.
    pub const COUNT: u32 = 3;
}

/// Entries of the map of histograms; of packets that waited until they were due.
pub mod wait {
    /// How long they were to wait.
    pub const REQUESTED: u32 = 0;
    /// How long they did.
    pub const MEASURED: u32 = 1;
    /// How much longer than they were to.
    pub const LATENESS: u32 = 2;
    /// How many there are.
    pub const COUNT: u32 = 3;
}

/// What is known of one packet in the lane.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneSlot {
    /// Until when the slot is the packet's, on CLOCK_MONOTONIC; free from then on.
    pub held_until_ns: u64,
    /// When the packet came, on CLOCK_MONOTONIC.
    pub entered_ns: u64,
    /// When it is to go on, on CLOCK_MONOTONIC.
    pub due_ns: u64,
    /// The interface it goes on from.
    pub ifindex: u32,
    /// Its length.
    pub length: u32,
    /// Its mark, which it loses on the way and gets back.
    pub mark: u32,
    /// Its priority, likewise.
    pub priority: u32,
    /// Its hash, likewise; zero where it had none.
    pub hash: u32,
    /// The marks of lines that it has when it goes on; see [`crate::line::mark`].
    pub marks: u16,
    /// [`crate::line::FLAG_INGRESS`] or nothing.
    pub flags: u16,
}

/// Until when a packet stays in fq now, of one that is due later.
#[inline(always)]
pub const fn next_hop_ns(now_ns: u64, due_ns: u64) -> u64 {
    let left = due_ns.saturating_sub(now_ns);
    if left <= HOP_NS {
        due_ns
    } else if left < 2 * HOP_NS {
        // The last stay is a whole hop, so that packets are back in fq, in the order of their
        // times, well before those come: only a host that stalls for so long mixes them up.
        due_ns - HOP_NS
    } else {
        now_ns + HOP_NS
    }
}

const _: () = assert!(size_of::<LaneSlot>() == 48);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_end_at_the_due_time_and_the_last_is_a_whole_one() {
        for wait in (0..400).map(|step| step * 777_777) {
            let (mut now, mut hops) = (1_000, 0);
            let due = now + wait;
            while now < due {
                let next = next_hop_ns(now, due);
                assert!(next > now && next - now <= HOP_NS && next <= due);
                if next == due && hops > 0 {
                    assert_eq!(next - now, HOP_NS);
                }
                (now, hops) = (next, hops + 1);
            }
            assert_eq!(now, due);
        }
    }
}
