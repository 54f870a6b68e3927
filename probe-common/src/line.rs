//! The delay line's side of the boundary: what a packet carries through the TAP device.
//!
//! A packet bound for the line gets a VLAN tag whose sixteen bits are the number of a slot; the
//! slot, in memory that user space maps, says when the packet is due and what else to do with
//! it. User space replaces the tag by the way back and writes the same bytes again. Nothing is
//! prepended, so lengths, offsets and checksums stay what they were.

/// How many slots there are. A slot is read as soon as its packet leaves the TAP's queue, so
/// they need only outnumber what that queue holds ([`QUEUE_LENGTH`]).
pub const SLOTS: u32 = 1 << 16;

/// Slots are shared out to CPUs in blocks of this size, so that none has to be claimed
/// atomically.
pub const SLOTS_PER_CPU: u32 = SLOTS / MAX_CPUS;

/// CPUs beyond this number share a block with an earlier one.
pub const MAX_CPUS: u32 = 16;

/// Transmit queue length given to the TAP device, in packets.
pub const QUEUE_LENGTH: u32 = 4_000;

/// The tag protocol that marks packets of the line: 802.1ad's, which hosts seldom see.
pub const TAG_PROTOCOL: u16 = 0x88a8;

/// How many ways back there can be: interfaces times directions.
pub const MAX_WAYS: u32 = 512;

/// The mark of a packet that has been through the line, in `skb->tc_index`, where it re-enters
/// its interface; taken off again by the program that finds it there.
pub const DONE: u16 = 0x9e0b;

/// [`Slot::flags`]: the packet goes on inwards; else outwards.
pub const FLAG_INGRESS: u16 = 1;
/// [`Slot::flags`]: finish the checksum, then flip one bit behind it.
pub const FLAG_CORRUPT: u16 = 2;

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
    /// Random bits for what user space decides on this packet.
    pub random: u16,
    /// [`FLAG_INGRESS`], [`FLAG_CORRUPT`].
    pub flags: u16,
}

/// Where packets with a certain tag go on.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// The interface; 0 where the tag isn't in use.
    pub ifindex: u32,
    /// One where they go on inwards, zero outwards.
    pub ingress: u32,
}

const _: () = assert!(size_of::<Slot>() == 24);
const _: () = assert!(QUEUE_LENGTH <= SLOTS_PER_CPU);

// SAFETY: `#[repr(C)]`, integers only, no padding, any bit pattern valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Way {}
