//! What no fault touches, as user space tells the kernel programs.
//!
//! Two bits for each port say whether it is on the list whatever the address, or may be together
//! with one; so a packet that has nothing to do with the list costs two look-ups in an array.

use crate::rule::{EndpointKey, Shape};

/// Bits that say what the list has on a port.
pub mod port {
    /// Whatever the address, it is on the list.
    pub const PROTECTED: u32 = 1;
    /// Some address with it, or some connection, is on the list.
    pub const LOOK: u32 = 2;
}

/// How many ports share a word of the port map.
pub const PORTS_PER_WORD: u32 = 16;
/// Words of the port map.
pub const PORT_WORDS: u32 = 65_536 / PORTS_PER_WORD;
/// Most entries of the list beside whole ports; a connection takes two.
pub const MAX_PROTECTED: u32 = 1_024;
/// Most distinct shapes of endpoints on the list.
pub const MAX_PROTECTED_SHAPES: usize = 4;

/// Bits of [`ProtectHeader::faultable`]: kinds of packets that were taken off the list.
pub mod kind {
    /// IPv6 neighbour discovery.
    pub const NEIGHBOUR_DISCOVERY: u32 = 1;
    /// DHCP, of both families.
    pub const DHCP: u32 = 2;
}

/// What holds for the list as a whole. All zero is a list with neighbour discovery and DHCP on it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProtectHeader {
    /// Bits of [`kind`]: those that faults may touch.
    pub faultable: u32,
    /// How many of `shapes` count.
    pub shape_count: u32,
    /// One where an endpoint without a port is on the list, so that ports tell nothing.
    pub look_always: u32,
    /// Always zero.
    pub pad: u32,
    /// Shapes of the endpoints on the list.
    pub shapes: [Shape; MAX_PROTECTED_SHAPES],
}

/// An entry of the list: an endpoint, masked by its shape, and nothing; or both ends of a
/// connection, which is there once for each direction.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProtectedKey {
    /// The endpoint, or where a packet comes from.
    pub from: EndpointKey,
    /// Where it goes; all zero for an endpoint.
    pub to: EndpointKey,
}

/// Where a port's bits are: the word, and how far they are shifted in it.
#[inline(always)]
pub const fn place(port: u16) -> (u32, u32) {
    let port = port as u32;
    (port / PORTS_PER_WORD, port % PORTS_PER_WORD * 2)
}

const _: () = assert!(size_of::<ProtectHeader>() == 16 + 20 * MAX_PROTECTED_SHAPES);
const _: () = assert!(size_of::<ProtectedKey>() == 40);

#[cfg(feature = "user")]
mod pod {
    //! SAFETY for each: `#[repr(C)]`, integers and arrays of them only, no padding that the
    //! compiler adds (the assertions above count every byte), any bit pattern valid.
    // SAFETY: as above.
    unsafe impl aya::Pod for super::ProtectHeader {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::ProtectedKey {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_has_bits_of_its_own() {
        assert_eq!(place(0), (0, 0));
        assert_eq!(place(22), (1, 12));
        assert_eq!(place(u16::MAX), (PORT_WORDS - 1, 30));
    }
}
