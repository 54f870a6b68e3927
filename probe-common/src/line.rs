//! The delay line's side of the boundary: what a packet carries through the TAP device.
//!
//! A packet bound for the line gets a VLAN tag whose sixteen bits are the number of a slot; the
//! slot, in memory that user space maps, says when the packet is due and what else to do with
//! it. User space replaces the tag by the way back and writes the same bytes again. Nothing is
//! prepended, so lengths, offsets and checksums stay what they were.

/// How many slots there are. A slot is read as soon as its packet leaves the TAP's queue, so
/// they need only outnumber what that queue holds.
pub const SLOTS: u32 = 1 << 16;

/// Most CPUs that have a block of slots each; those beyond share one with an earlier one.
pub const MAX_CPUS: u32 = 64;

/// How many slots each of a host's CPUs has, so that none has to be claimed from others.
pub const fn slots_per_cpu(cpus: u32) -> u32 {
    SLOTS / blocks(cpus)
}

/// How many blocks a host's CPUs share among them: a power of two.
pub const fn blocks(cpus: u32) -> u32 {
    if cpus > MAX_CPUS {
        MAX_CPUS
    } else {
        cpus.next_power_of_two()
    }
}

/// Transmit queue length of the TAP device, in packets. A slot is used up also by a packet that
/// finds the queue full; with two slots at least for each place in it, that queue is what a burst
/// fills first.
pub const fn queue_length(slots_per_cpu: u32) -> u32 {
    let length = slots_per_cpu / 2;
    if length > 2_000 { 2_000 } else { length }
}

/// The tag protocol that marks packets of the line: 802.1ad's, which hosts seldom see.
pub const TAG_PROTOCOL: u16 = 0x88a8;

/// How many ways back there can be: interfaces times directions times marks that packets come
/// with.
pub const MAX_WAYS: u32 = 512;

/// How many injectors of a host can have a line: each has a mark a direction, of the sixteen bits
/// of `skb->tc_index`. A packet that has been through a line keeps that line's mark, and those it
/// had before, so that each injector on its way looks at it once and no more.
pub const MAX_LINES: u32 = 8;

/// The mark of an injector's packets in one direction.
pub const fn mark(line: u32, ingress: bool) -> u16 {
    1 << (2 * (line % MAX_LINES) + ingress as u32)
}

/// [`Slot::flags`]: the packet goes on inwards; else outwards.
pub const FLAG_INGRESS: u8 = 1;
/// [`Slot::flags`]: finish the checksum, then flip one bit behind it.
pub const FLAG_CORRUPT: u8 = 2;
/// [`Slot::flags`]: packets behind it are to overtake it.
pub const FLAG_OVERTAKEN: u8 = 4;

/// What the kernel program says of one packet in the line.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// When the packet came, on CLOCK_MONOTONIC.
    pub entered_ns: u64,
    /// When the packet is to go on, on CLOCK_MONOTONIC.
    pub due_ns: u64,
    /// The interface it goes on from.
    pub ifindex: u32,
    /// The marks it has then.
    pub marks: u16,
    /// Random bits for what user space decides on this packet.
    pub random: u8,
    /// [`FLAG_INGRESS`], [`FLAG_CORRUPT`].
    pub flags: u8,
}

/// Where packets with a certain tag go on.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Way {
    /// The interface; 0 where the tag isn't in use.
    pub ifindex: u32,
    /// One where they go on inwards, zero outwards.
    pub ingress: u32,
    /// The marks they have then.
    pub marks: u32,
    /// Always zero.
    pub pad: u32,
}

/// What user space has read of the line, by times on CLOCK_MONOTONIC: a packet that came by then
/// is no longer in the TAP's queue, so that its slot is free.
pub mod read_until {
    /// By a CPU's block of slots: when the last packet came that was read of it. Those of one CPU
    /// are read in the order in which they came.
    pub const BLOCK: u32 = 0;
    /// Whatever the block: some time before the queue was last found empty.
    pub const EMPTY: u32 = super::MAX_CPUS;
    /// How many there are.
    pub const COUNT: u32 = EMPTY + 1;
}

/// How long before the queue was found empty a packet must have come to be surely gone from it:
/// one that came later may still have been on its way into it, on a CPU that was held up.
pub const ON_ITS_WAY_NS: u64 = 10_000_000;

const _: () = assert!(size_of::<Slot>() == 24);

// SAFETY: `#[repr(C)]`, integers only, no padding, any bit pattern valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Slot {}

// SAFETY: as above.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Way {}
