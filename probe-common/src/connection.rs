//! Numbers that packets of one connection share, and by which both sides of the kernel boundary
//! know it.

use crate::{address::Address, random::mix};

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Address; IPv4 mapped.
    pub address: Address,
    /// Port, host order; 0 where the protocol has none.
    pub port: u16,
}

/// Numbers that packets of one connection share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashes {
    /// In one direction.
    pub flow: u64,
    /// In both.
    pub connection: u64,
}

/// Hashes a packet's ends.
#[inline(always)]
pub fn hashes(from: &End, to: &End, protocol: u8) -> Hashes {
    let (from, to) = (mix(hash_of(from)), mix(hash_of(to)));
    let protocol = u64::from(protocol);
    Hashes {
        flow: mix(from.wrapping_mul(3).wrapping_add(to) ^ protocol),
        connection: mix(from.wrapping_add(to) ^ protocol),
    }
}

/// The number by which one rule knows a connection.
#[inline(always)]
pub fn under_rule(connection: u64, rule: u32) -> u64 {
    mix(connection ^ mix(u64::from(rule) + 1))
}

#[inline(always)]
fn hash_of(end: &End) -> u64 {
    let words = end.address.words();
    mix(mix(words[0] ^ 0x9e37_79b9_7f4a_7c15) ^ words[1]).wrapping_add(mix(u64::from(end.port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: End = End {
        address: Address::from_v4([10, 0, 0, 1]),
        port: 40_000,
    };
    const B: End = End {
        address: Address::from_v4([10, 0, 0, 2]),
        port: 80,
    };

    #[test]
    fn a_connection_is_the_same_from_both_ends_and_a_flow_is_not() {
        let (there, back) = (hashes(&A, &B, 6), hashes(&B, &A, 6));
        assert_eq!(there.connection, back.connection);
        assert_ne!(there.flow, back.flow);
        assert_ne!(there.connection, hashes(&A, &B, 17).connection);
        assert_ne!(
            under_rule(there.connection, 0),
            under_rule(there.connection, 1)
        );
    }
}
