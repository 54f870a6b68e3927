//! The packets that programs are run over, all to one far side; their checksums are of no interest.

use probe_common::address::protocol;

/// The far end's address, IPv4 and IPv6, and port.
pub(super) const FAR_V4: [u8; 4] = [10, 88, 0, 2];
const FAR_V6: [u8; 16] = [0xfd, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
pub(super) const PORT: u16 = 9_000;
/// Payload bytes of a packet that nobody reads.
const PAYLOAD: usize = 100;

/// A packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packet {
    /// UDP over IPv4.
    V4,
    /// UDP over IPv6.
    V6,
    /// An HTTP answer's first TCP segment.
    Answer,
    /// A DNS question.
    Question,
}

impl Packet {
    /// The packet, from its Ethernet header on.
    pub(super) fn bytes(self) -> Vec<u8> {
        let payload = match self {
            Self::V4 | Self::V6 => (0..PAYLOAD).map(|at| at as u8).collect(),
            Self::Answer => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".to_vec(),
            Self::Question => {
                b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x08payments\x04shop\0\0\x01\0\x01".to_vec()
            }
        };
        let transport = match self {
            Self::Answer => tcp(&payload),
            _ => udp(&payload),
        };
        let mut bytes = vec![2; 12];
        match self {
            Self::V6 => bytes.extend(ipv6(transport.len())),
            Self::Answer => bytes.extend(ipv4(protocol::TCP, transport.len())),
            _ => bytes.extend(ipv4(protocol::UDP, transport.len())),
        }
        bytes.extend(transport);
        bytes
    }
}

fn ipv4(protocol: u8, length: usize) -> Vec<u8> {
    let mut header = vec![0x08, 0x00, 0x45, 0];
    header.extend((20 + length as u16).to_be_bytes());
    header.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    header.extend([10, 88, 0, 1]);
    header.extend(FAR_V4);
    header
}

fn ipv6(length: usize) -> Vec<u8> {
    let mut header = vec![0x86, 0xdd, 0x60, 0, 0, 0];
    header.extend((length as u16).to_be_bytes());
    header.extend([protocol::UDP, 64]);
    header.extend([0xfd, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    header.extend(FAR_V6);
    header
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let mut packet = ports();
    packet.extend((8 + payload.len() as u16).to_be_bytes());
    packet.extend([0x12, 0x34]);
    packet.extend(payload);
    packet
}

fn tcp(payload: &[u8]) -> Vec<u8> {
    const ACK_AND_PUSH: u8 = 0x18;
    let mut packet = ports();
    packet.extend([0, 0, 0, 1, 0, 0, 0, 1, 5 << 4, ACK_AND_PUSH, 0xff, 0xff]);
    packet.extend([0x12, 0x34, 0, 0]);
    packet.extend(payload);
    packet
}

fn ports() -> Vec<u8> {
    [5_000u16.to_be_bytes(), PORT.to_be_bytes()].concat()
}
