//! Slots of peers: lent to a peer for as long as it has calls, then to the next one.
//!
//! A slot is told by a *handle*, which also says how often it has been lent: a connection, or an
//! event, of somebody who had the slot before is known by that.

use crate::flow::PeerKey;

/// Peers with counters and a histogram of their own at once; slot 0 stands for all others.
pub const MAX_PEERS: u32 = 4_096;

const INDEX_BITS: u32 = 16;

const _: () = assert!(MAX_PEERS <= 1 << INDEX_BITS);

/// The handle of a slot that is lent for the first time.
pub const fn first_handle(index: u32) -> u32 {
    index | 1 << INDEX_BITS
}

/// The handle by which a slot is lent the next time.
pub const fn next_handle(handle: u32) -> u32 {
    let next = handle.wrapping_add(1 << INDEX_BITS);
    // A slot's handle is never that of nobody.
    if next >> INDEX_BITS == 0 {
        first_handle(index_of(handle))
    } else {
        next
    }
}

/// Where a handle's counters and histogram are in the per-peer maps.
#[inline(always)]
pub const fn index_of(handle: u32) -> u32 {
    handle & ((1 << INDEX_BITS) - 1)
}

/// Who has a slot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerSlot {
    /// The peer.
    pub key: PeerKey,
    /// The handle it has it by; 0 where nobody has it.
    pub handle: u32,
    /// Other than zero where nobody asked for it: what its connections carry isn't looked at. DNS
    /// over UDP is all the same, for the names in it.
    pub unwanted: u32,
}

const _: () = assert!(size_of::<PeerSlot>() == 48);

// SAFETY: `#[repr(C)]`, integers and arrays of them only, no padding that the compiler adds
// (the assertion above counts every byte), any bit pattern valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for PeerSlot {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_lent_by_another_handle_each_time() {
        let mut handle = first_handle(7);
        for _ in 0..200_000 {
            let next = next_handle(handle);
            assert_ne!(next, handle);
            assert_eq!(index_of(next), 7);
            assert!(next > 0xffff, "{next:x} is nobody's");
            handle = next;
        }
    }
}
