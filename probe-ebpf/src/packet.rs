//! Bounded parsing of packets: Ethernet, IPv4, IPv6, TCP and UDP headers, as far as rules and
//! calls need them. Reads through [`Source`], so that the verifier's bounds checks and a slice's
//! are the same code. Never guesses: what it can't read is `None`, and the packet passes.

use probe_common::{
    address::{Address, protocol},
    random::mix,
};

/// Where packet bytes come from. Offsets count from the first byte given.
///
/// There is no reading of single bytes: the verifier doesn't follow the comparison that the
/// compiler makes of their bounds check. A pair is read instead, and split.
pub trait Source {
    /// Two bytes in network order.
    fn u16(&self, offset: usize) -> Option<u16>;
    /// Four bytes as they stand in memory.
    fn u32(&self, offset: usize) -> Option<u32>;
    /// Several bytes at once, wherever they lie. For headers whose place is only known at run
    /// time: where several reads share one bounds check, the verifier loses track of it.
    fn copy<const N: usize>(&self, offset: usize) -> Option<[u8; N]>;
}

impl Source for [u8] {
    fn u16(&self, offset: usize) -> Option<u16> {
        let bytes = self.get(offset..)?.first_chunk::<2>()?;
        Some(u16::from_be_bytes(*bytes))
    }

    fn u32(&self, offset: usize) -> Option<u32> {
        let bytes = self.get(offset..)?.first_chunk::<4>()?;
        Some(u32::from_ne_bytes(*bytes))
    }

    fn copy<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.get(offset..)?.first_chunk::<N>().copied()
    }
}

const ETHERNET_LENGTH: usize = 14;
const VLAN_LENGTH: usize = 4;
/// Of a header without options.
const IPV4_LENGTH: usize = 20;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_QINQ: u16 = 0x88a8;
/// More extension headers than a packet that is sent in earnest has.
const MAX_EXTENSIONS: usize = 6;

/// What the network and transport headers say.
///
/// Without padding: the injector hands it to a function that the verifier checks by itself, and
/// that takes no bytes which were never written.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// Sender.
    pub source: Address,
    /// Receiver.
    pub destination: Address,
    /// Sender's port, host order; 0 where the protocol has none.
    pub source_port: u16,
    /// Receiver's port, host order; 0 where the protocol has none.
    pub destination_port: u16,
    /// Type of an ICMP or ICMPv6 message; 0 for other protocols.
    pub icmp_type: u16,
    /// Where the network header begins.
    pub network: u16,
    /// Where the transport header begins.
    pub transport: u16,
    /// Transport protocol number.
    pub protocol: u8,
    /// Whether it is a fragment other than the first, which has no transport header.
    pub later_fragment: bool,
    /// Whether the network header is IPv6's.
    pub v6: bool,
    /// Always zero.
    pub pad: [u8; 3],
}

const _: () = assert!(size_of::<Packet>() == 2 * size_of::<Address>() + 16);

impl Packet {
    /// Reads an Ethernet frame; `None` where it isn't IP or is cut short.
    #[inline(always)]
    pub fn from_ethernet<S: Source + ?Sized>(source: &S) -> Option<Self> {
        let mut offset = ETHERNET_LENGTH;
        let mut ethertype = source.u16(12)?;
        if ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ {
            ethertype = source.u16(16)?;
            offset += VLAN_LENGTH;
        }
        match ethertype {
            ETHERTYPE_IPV4 => Self::from_ipv4(source, offset),
            ETHERTYPE_IPV6 => Self::from_ipv6(source, offset),
            _ => None,
        }
    }

    /// Reads an IP packet; `None` where it is cut short or neither version.
    #[inline(always)]
    pub fn from_ip<S: Source + ?Sized>(source: &S) -> Option<Self> {
        match source.u16(0)? >> 12 {
            4 => Self::from_ipv4(source, 0),
            6 => Self::from_ipv6(source, 0),
            _ => None,
        }
    }

    /// One number made of everything that was read: two readings that agree in it are the same.
    #[inline(always)]
    pub fn digest(&self, segment: Option<Segment>) -> u64 {
        let [ports, places, rest] = [
            [self.source_port, self.destination_port, self.icmp_type],
            [self.network, self.transport, u16::from(self.protocol)],
            [u16::from(self.later_fragment), u16::from(self.v6), 0],
        ]
        .map(|[a, b, c]| u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32);
        let segment = segment.map_or(0, |it| {
            1 << 63
                | u64::from(it.payload) << 40
                | u64::from(it.flags) << 32
                | u64::from(it.sequence)
        });
        let [a, b] = self.source.words();
        let [c, d] = self.destination.words();
        [a, b, c, d, ports, places, rest, segment]
            .into_iter()
            .fold(0, |digest, word| mix(digest ^ word))
    }

    #[inline(always)]
    fn from_ipv4<S: Source + ?Sized>(source: &S, at: usize) -> Option<Self> {
        let first = source.u16(at)?;
        let header_length = usize::from(first >> 8 & 0x0f) * 4;
        if first >> 12 != 4 || header_length < 20 {
            return None;
        }
        let fragment = source.u16(at + 6)? & 0x1fff;
        let transport = at + header_length;
        let packet = Self {
            source: mapped(source.u32(at + 12)?),
            destination: mapped(source.u32(at + 16)?),
            source_port: 0,
            destination_port: 0,
            icmp_type: 0,
            protocol: source.u16(at + 8)? as u8,
            later_fragment: fragment != 0,
            network: at as u16,
            v6: false,
            pad: [0; 3],
            transport: transport as u16,
        };
        packet.with_ports(source, transport)
    }

    #[inline(always)]
    fn from_ipv6<S: Source + ?Sized>(source: &S, at: usize) -> Option<Self> {
        if source.u16(at)? >> 12 != 6 {
            return None;
        }
        let (next, transport, later_fragment) =
            skip_extensions(source, (source.u16(at + 6)? >> 8) as u8, at + 40)?;
        let packet = Self {
            source: address(source, at + 8)?,
            destination: address(source, at + 24)?,
            source_port: 0,
            destination_port: 0,
            icmp_type: 0,
            protocol: next,
            later_fragment,
            network: at as u16,
            v6: true,
            pad: [0; 3],
            transport: transport as u16,
        };
        packet.with_ports(source, transport)
    }

    #[inline(always)]
    fn with_ports<S: Source + ?Sized>(mut self, source: &S, at: usize) -> Option<Self> {
        if self.later_fragment {
            return Some(self);
        }
        match self.protocol {
            protocol::TCP | protocol::UDP => {
                self.source_port = source.u16(at)?;
                self.destination_port = source.u16(at + 2)?;
            }
            protocol::ICMP | protocol::ICMPV6 => {
                self.icmp_type = source.u16(at)? >> 8;
            }
            _ => {}
        }
        Some(self)
    }
}

/// What the fixed part of a TCP header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Sequence number of its first payload byte, or of its SYN or FIN.
    pub sequence: u32,
    /// Flags, as in the header's fourteenth byte.
    pub flags: u8,
    /// Where its payload begins.
    pub payload: u16,
}

/// Bits of [`Segment::flags`].
pub mod tcp_flag {
    /// Sender is done.
    pub const FIN: u8 = 0x01;
    /// Connection is being made.
    pub const SYN: u8 = 0x02;
    /// Connection is torn down.
    pub const RST: u8 = 0x04;
}

impl Segment {
    /// Reads the TCP header of a packet; `None` where there is none or it is cut short.
    #[inline(always)]
    pub fn of<S: Source + ?Sized>(source: &S, packet: &Packet) -> Option<Self> {
        if packet.protocol != protocol::TCP || packet.later_fragment {
            return None;
        }
        let at = usize::from(packet.transport);
        // Most begin where the place is known when this is compiled: that spares a call.
        let (sequence, offset_and_flags) = if at == IPV4_LENGTH {
            (source.u32(IPV4_LENGTH + 4)?, source.u16(IPV4_LENGTH + 12)?)
        } else {
            let [a, b, c, d, _, _, _, _, offset, flags] = source.copy::<10>(at + 4)?;
            (
                u32::from_ne_bytes([a, b, c, d]),
                u16::from_be_bytes([offset, flags]),
            )
        };
        let header_length = (offset_and_flags >> 12) * 4;
        if header_length < 20 {
            return None;
        }
        Some(Self {
            sequence: u32::from_be(sequence),
            flags: offset_and_flags as u8,
            payload: packet.transport + header_length,
        })
    }
}

/// Tells IPv6 neighbour discovery, without which a host isn't reachable at all. (ARP isn't IP,
/// and so is never touched.)
#[inline(always)]
pub fn is_neighbour_discovery(packet: &Packet) -> bool {
    packet.protocol == protocol::ICMPV6 && matches!(packet.icmp_type, 133..=137)
}

/// Tells DHCP, of both families, without which a host soon has no address.
#[inline(always)]
pub fn is_dhcp(packet: &Packet) -> bool {
    packet.protocol == protocol::UDP
        && (is_dhcp_port(packet.destination_port) || is_dhcp_port(packet.source_port))
}

#[inline(always)]
fn is_dhcp_port(port: u16) -> bool {
    matches!(port, 67 | 68 | 546 | 547)
}

#[inline(always)]
fn mapped(v4: u32) -> Address {
    Address::from_u32s([0, 0, 0xffff_u32.to_be(), v4])
}

#[inline(always)]
fn address<S: Source + ?Sized>(source: &S, at: usize) -> Option<Address> {
    Some(Address::from_u32s([
        source.u32(at)?,
        source.u32(at + 4)?,
        source.u32(at + 8)?,
        source.u32(at + 12)?,
    ]))
}

/// Walks IPv6 extension headers: the transport protocol, where it begins, and whether the packet
/// is a later fragment. `None` where they don't end within [`MAX_EXTENSIONS`].
#[inline(always)]
fn skip_extensions<S: Source + ?Sized>(
    source: &S,
    mut next: u8,
    mut at: usize,
) -> Option<(u8, usize, bool)> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const AUTHENTICATION: u8 = 51;
    const DESTINATION: u8 = 60;

    let mut later_fragment = false;
    for _ in 0..MAX_EXTENSIONS {
        let known = matches!(
            next,
            HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION
        );
        if !known {
            return Some((next, at, later_fragment));
        }
        let next_and_length = source.u16(at)?;
        let length = usize::from(next_and_length & 0xff);
        let length = match next {
            AUTHENTICATION => (length + 2) * 4,
            FRAGMENT => {
                later_fragment = source.u16(at + 2)? & 0xfff8 != 0;
                8
            }
            _ => (length + 1) * 8,
        };
        next = (next_and_length >> 8) as u8;
        at += length;
    }
    None
}

#[cfg(test)]
mod tests;
