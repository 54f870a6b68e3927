//! Frames made by hand: small, large, TCP, UDP, both families.

use super::*;

/// A virtio header, addresses, the line's tag, and the packet.
fn frame(virtio: [u8; 10], ethertype: u16, packet: &[u8]) -> Vec<u8> {
    let mut frame = virtio.to_vec();
    frame.extend_from_slice(&[0; 12]);
    frame.extend_from_slice(&[0x88, 0xa8, 0, 1]);
    frame.extend_from_slice(&ethertype.to_be_bytes());
    frame.extend_from_slice(packet);
    frame
}

fn tcp4(payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![
        0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 7,
    ];
    let length = (40 + payload.len()) as u16;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&[
        0x9c, 0x40, 0, 80, 0, 0, 0, 100, 0, 0, 0, 0, 0x50, 0x19, 1, 0, 0, 0, 0, 0,
    ]);
    packet.extend_from_slice(payload);
    packet
}

fn udp6(payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, 17, 64];
    packet[4..6].copy_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&[0xfd; 32]);
    packet.extend_from_slice(&[0x13, 0x88, 0, 53]);
    packet.extend_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&[0, 0]);
    packet.extend_from_slice(payload);
    packet
}

fn virtio(flags: u8, cut: u8, size: u16) -> [u8; 10] {
    let [s0, s1] = size.to_ne_bytes();
    [flags, cut, 0, 0, s0, s1, 0, 0, 0, 0]
}

/// Whether a receiver's stack would take the packet: the sum over all of it is all ones.
fn verifies(frame: &[u8]) -> bool {
    verifies_as(frame, &Layout::of(frame).unwrap())
}

/// The same for a packet whose own header may no longer tell where things lie.
fn verifies_as(frame: &[u8], layout: &Layout) -> bool {
    let addresses = if layout.v6 { 8..40 } else { 12..20 };
    let pseudo = sum(&frame[layout.network..][addresses])
        + u64::from(layout.protocol)
        + (layout.end - layout.transport) as u64;
    fold(pseudo + sum(&frame[layout.transport..layout.end])) == 0xffff
}

#[test]
fn a_finished_packet_verifies_and_a_flipped_one_does_not() {
    let payload: Vec<u8> = (0..101).collect();
    for sample in [
        frame(virtio(NEEDS_CHECKSUM, 0, 0), 0x0800, &tcp4(&payload)),
        frame(virtio(NEEDS_CHECKSUM, 0, 0), 0x0800, &tcp4(&[])),
        frame(virtio(NEEDS_CHECKSUM, 0, 0), 0x86dd, &udp6(&payload)),
    ] {
        let finished = finish(&sample).unwrap();
        assert_eq!(finished.len(), 1);
        assert!(verifies(&finished[0]));
        let layout = Layout::of(&finished[0]).unwrap();
        for random in 0..2_000 {
            let flipped = flip_one_bit(&sample, random);
            assert!(!verifies_as(&flipped[0], &layout), "random {random}");
            let differing: u32 = flipped[0]
                .iter()
                .zip(&finished[0])
                .map(|(a, b)| (a ^ b).count_ones())
                .sum();
            assert_eq!(differing, 1);
        }
    }
}

#[test]
fn a_large_frame_is_cut_as_a_card_would_and_one_packet_is_flipped() {
    let payload: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
    let sample = frame(
        virtio(NEEDS_CHECKSUM, CUT_TCP4, 1_448),
        0x0800,
        &tcp4(&payload),
    );
    let finished = finish(&sample).unwrap();
    assert_eq!(finished.len(), 7);
    let mut together = Vec::new();
    for (index, packet) in finished.iter().enumerate() {
        let layout = Layout::of(packet).unwrap();
        assert!(verifies(packet), "packet {index}");
        assert_eq!(
            fold(sum(&packet[layout.network..layout.transport])),
            0xffff,
            "IP checksum"
        );
        let sequence = u32::from_be_bytes(packet[layout.transport + 4..][..4].try_into().unwrap());
        assert_eq!(sequence as usize, 100 + together.len());
        let fin_psh = packet[layout.transport + 13] & 0x09;
        assert_eq!(fin_psh, if index == 6 { 0x09 } else { 0 });
        assert_eq!(packet[..VIRTIO_LENGTH], [0; VIRTIO_LENGTH]);
        together.extend_from_slice(&packet[layout.payload..layout.end]);
    }
    assert_eq!(together, payload);
    let flipped = flip_one_bit(&sample, 99);
    assert_eq!(flipped.iter().filter(|packet| !verifies(packet)).count(), 1);
}

#[test]
fn large_udp_frames_are_cut_too() {
    let payload: Vec<u8> = (0..3_000u32).map(|n| n as u8).collect();
    let sample = frame(
        virtio(NEEDS_CHECKSUM, CUT_UDP, 1_200),
        0x86dd,
        &udp6(&payload),
    );
    let finished = finish(&sample).unwrap();
    assert_eq!(finished.len(), 3);
    assert!(finished.iter().all(|packet| verifies(packet)));
}

#[test]
fn what_cannot_be_read_goes_on_as_it_came() {
    let arp = frame(virtio(0, 0, 0), 0x0806, &[0; 28]);
    assert_eq!(flip_one_bit(&arp, 1), std::slice::from_ref(&arp));
    let whole = frame(
        virtio(NEEDS_CHECKSUM, CUT_TCP4, 100),
        0x0800,
        &tcp4(&[1; 300]),
    );
    for length in 0..whole.len() {
        let _ = flip_one_bit(&whole[..length], length as u64);
    }
}
