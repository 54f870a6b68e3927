//! Network addresses as the kernel programs compare them: sixteen octets, IPv4 mapped.

/// An IPv6 address, or an IPv4 address mapped into `::ffff:0:0/96`; octets in network order.
///
/// One form for both families means one look-up and one code path for both. Aligned, because BPF
/// programs otherwise read and write it one octet at a time.
#[repr(C, align(4))]
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

    /// Four words as they stand in memory.
    #[inline(always)]
    pub const fn u32s(&self) -> [u32; 4] {
        // SAFETY: sixteen bytes, aligned for words, of which any bit pattern is valid.
        unsafe { *core::ptr::from_ref(self).cast() }
    }

    /// The address as two numbers, for hashing; native order, so not for arithmetic.
    #[inline(always)]
    pub const fn words(&self) -> [u64; 2] {
        let [a, b, c, d] = self.u32s();
        [pair(a, b), pair(c, d)]
    }
}

/// Two words that stand one behind the other in memory, as one.
#[inline(always)]
const fn pair(first: u32, second: u32) -> u64 {
    let (low, high) = if cfg!(target_endian = "little") {
        (first, second)
    } else {
        (second, first)
    };
    low as u64 | (high as u64) << 32
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
    extern crate std;

    use super::*;

    #[test]
    fn words_are_the_octets() {
        let a = Address::from_v4([10, 0, 0, 7]);
        assert_eq!(Address::from_u32s(a.u32s()), a);
        let octets = a.words().map(u64::to_ne_bytes);
        assert_eq!(octets.concat(), a.octets);
        assert_eq!(a.octets[10..], [0xff, 0xff, 10, 0, 0, 7]);
    }
}
