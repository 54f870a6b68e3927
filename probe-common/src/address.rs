//! Network addresses as the kernel programs compare them: sixteen octets, IPv4 mapped.

/// An IPv6 address, or an IPv4 address mapped into `::ffff:0:0/96`; octets in network order.
///
/// One form for both families means one look-up and one code path for both.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// The octets as they stand on the wire.
    pub octets: [u8; 16],
}

impl Address {
    /// Maps an IPv4 address.
    #[inline(always)]
    pub const fn from_v4(v4: [u8; 4]) -> Self {
        Self {
            octets: [
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, v4[0], v4[1], v4[2], v4[3],
            ],
        }
    }

    /// Takes an IPv6 address as it is.
    #[inline(always)]
    pub const fn from_v6(octets: [u8; 16]) -> Self {
        Self { octets }
    }

    /// Takes four words as they stand in memory.
    #[inline(always)]
    pub const fn from_u32s(w: [u32; 4]) -> Self {
        Self {
            // SAFETY: both are sixteen bytes without padding, and any bit pattern is an address.
            octets: unsafe { core::mem::transmute::<[u32; 4], [u8; 16]>(w) },
        }
    }

    /// The address as two numbers, for masking and hashing; native order, so not for arithmetic.
    #[inline(always)]
    pub fn words(&self) -> [u64; 2] {
        let o = &self.octets;
        [
            u64::from_ne_bytes([o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7]]),
            u64::from_ne_bytes([o[8], o[9], o[10], o[11], o[12], o[13], o[14], o[15]]),
        ]
    }

    /// The inverse of [`Address::words`].
    #[inline(always)]
    pub fn from_words(words: [u64; 2]) -> Self {
        let a = words[0].to_ne_bytes();
        let b = words[1].to_ne_bytes();
        Self {
            octets: [
                a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], b[0], b[1], b[2], b[3], b[4], b[5],
                b[6], b[7],
            ],
        }
    }
}

/// Transport protocol numbers, as in the IP header.
pub mod protocol {
    /// ICMP.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_octets() {
        let a = Address::from_v4([10, 0, 0, 7]);
        assert_eq!(Address::from_words(a.words()), a);
        assert_eq!(a.octets[10..], [0xff, 0xff, 10, 0, 0, 7]);
    }
}
