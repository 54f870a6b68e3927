//! Corruption as a wire does it: one bit flips behind a checksum that was finished before.
//!
//! Frames may come with the checksum unfinished and larger than the wire allows, to be cut
//! later. Both are done here first, as a network card would (virtio 1.2, section 5.1.6.2, says
//! what the header asks for), so that exactly one packet of those that would have been sent is
//! corrupted and the receiver's stack has to verify every one.

mod layout;

use layout::Layout;
use probe_common::{address::protocol, random::mix};

use super::frame::VIRTIO_LENGTH;

/// virtio header: the checksum is unfinished.
const NEEDS_CHECKSUM: u8 = 1;
/// virtio header: how the frame is to be cut.
const CUT_TCP4: u8 = 1;
const CUT_TCP6: u8 = 4;
const CUT_UDP: u8 = 5;
/// virtio header: a bit beside the above, for ECN.
const CUT_ECN: u8 = 0x80;

/// Finishes a frame and flips one bit of it: the packets that go on instead of it, each with a
/// virtio header that asks for nothing. A frame that can't be read goes on as it came.
pub(super) fn flip_one_bit(frame: &[u8], random: u64) -> Vec<Vec<u8>> {
    let Some(mut packets) = finish(frame) else {
        return vec![frame.to_vec()];
    };
    let chosen = (mix(random) % packets.len() as u64) as usize;
    let Some(layout) = Layout::of(&packets[chosen]) else {
        return packets;
    };
    let bytes = &mut packets[chosen][layout.flippable()];
    let bit = (mix(random ^ 0x5bd1_e995) % (bytes.len() as u64 * 8)) as usize;
    bytes[bit / 8] ^= 1 << (bit % 8);
    packets
}

/// Cuts a frame into packets and finishes their checksums.
fn finish(frame: &[u8]) -> Option<Vec<Vec<u8>>> {
    let layout = Layout::of(frame)?;
    let flags = frame[0];
    let cut = frame[1] & !CUT_ECN;
    let size = usize::from(u16::from_ne_bytes([frame[4], frame[5]]));
    let is_cut = size > 0 && layout.payload < layout.end;
    if is_cut && matches!(cut, CUT_TCP4 | CUT_TCP6 | CUT_UDP) {
        return Some(cut_up(frame, &layout, size));
    }
    let mut packet = frame.to_vec();
    ask_for_nothing(&mut packet);
    if flags & NEEDS_CHECKSUM != 0 {
        finish_checksum(&mut packet, &layout);
    }
    Some(vec![packet])
}

fn cut_up(frame: &[u8], layout: &Layout, size: usize) -> Vec<Vec<u8>> {
    let (head, payload) = frame[..layout.end].split_at(layout.payload);
    let count = payload.len().div_ceil(size);
    payload
        .chunks(size)
        .enumerate()
        .map(|(index, part)| {
            let mut packet = [head, part].concat();
            ask_for_nothing(&mut packet);
            let place = Place {
                index,
                offset: index * size,
                last: index + 1 == count,
            };
            set_lengths(&mut packet, layout, &place);
            let layout = Layout {
                end: packet.len(),
                ..*layout
            };
            finish_checksum(&mut packet, &layout);
            packet
        })
        .collect()
}

/// Where a packet stands among those that a frame was cut into.
struct Place {
    index: usize,
    offset: usize,
    last: bool,
}

/// Writes what differs between the packets of one frame: lengths, identification, sequence
/// number, flags.
fn set_lengths(packet: &mut [u8], layout: &Layout, place: &Place) {
    const FIN_PSH: u8 = 0x09;
    const CWR: u8 = 0x80;
    let (network, transport) = (layout.network, layout.transport);
    let length = packet.len();
    if layout.v6 {
        put16(packet, network + 4, (length - network - 40) as u16);
    } else {
        put16(packet, network + 2, (length - network) as u16);
        let identification = get16(packet, network + 4).wrapping_add(place.index as u16);
        put16(packet, network + 4, identification);
        put16(packet, network + 10, 0);
        let sum = fold(sum(&packet[network..transport]));
        put16(packet, network + 10, !sum);
    }
    if layout.protocol == protocol::UDP {
        put16(packet, transport + 4, (length - transport) as u16);
        return;
    }
    let at = transport + 4;
    let sequence = u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]]);
    let sequence = sequence.wrapping_add(place.offset as u32);
    packet[at..at + 4].copy_from_slice(&sequence.to_be_bytes());
    if !place.last {
        packet[transport + 13] &= !FIN_PSH;
    }
    if place.index > 0 {
        packet[transport + 13] &= !CWR;
    }
}

/// Computes the transport checksum over pseudo-header, header and payload (RFC 9293, RFC 768,
/// RFC 8200 section 8.1).
fn finish_checksum(packet: &mut [u8], layout: &Layout) {
    let Some(field) = layout.checksum() else {
        return;
    };
    put16(packet, field, 0);
    let length = layout.end - layout.transport;
    let addresses = if layout.v6 {
        &packet[layout.network + 8..layout.network + 40]
    } else {
        &packet[layout.network + 12..layout.network + 20]
    };
    let pseudo = sum(addresses) + u64::from(layout.protocol) + length as u64;
    let checksum = !fold(pseudo + sum(&packet[layout.transport..layout.end]));
    let none_means_none = layout.protocol == protocol::UDP && checksum == 0;
    put16(
        packet,
        field,
        if none_means_none { 0xffff } else { checksum },
    );
}

fn ask_for_nothing(packet: &mut [u8]) {
    packet[..VIRTIO_LENGTH].fill(0);
}

/// Sums pairs of bytes; an odd last byte counts as the first of a pair.
fn sum(bytes: &[u8]) -> u64 {
    let pairs = bytes.chunks_exact(2);
    let odd = pairs
        .remainder()
        .first()
        .map_or(0, |&byte| u64::from(byte) << 8);
    pairs
        .map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum::<u64>()
        + odd
}

/// Adds carries back in until sixteen bits are left (RFC 1071).
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn get16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

#[cfg(test)]
mod tests;
