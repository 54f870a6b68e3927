//! Packets made by hand, cut at every length.

use super::*;

fn ethernet(ethertype: u16, rest: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend_from_slice(&ethertype.to_be_bytes());
    frame.extend_from_slice(rest);
    frame
}

fn ipv4(protocol: u8, options: usize, fragment: u16, rest: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 20 + options];
    packet[0] = 0x40 | (5 + options as u8 / 4);
    packet[6..8].copy_from_slice(&fragment.to_be_bytes());
    packet[9] = protocol;
    packet[12..16].copy_from_slice(&[10, 0, 0, 1]);
    packet[16..20].copy_from_slice(&[10, 0, 0, 7]);
    packet.extend_from_slice(rest);
    packet
}

fn ipv6(next: u8, rest: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 40];
    packet[0] = 0x60;
    packet[6] = next;
    packet[8..24].copy_from_slice(&[0xfd; 16]);
    packet[24..40].copy_from_slice(&[0xfe; 16]);
    packet.extend_from_slice(rest);
    packet
}

fn tcp(flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![0; 20];
    segment[..2].copy_from_slice(&40_000u16.to_be_bytes());
    segment[2..4].copy_from_slice(&80u16.to_be_bytes());
    segment[4..8].copy_from_slice(&7u32.to_be_bytes());
    segment[12] = 5 << 4;
    segment[13] = flags;
    segment.extend_from_slice(payload);
    segment
}

#[test]
fn tcp_over_ipv4_with_options() {
    let frame = ethernet(0x0800, &ipv4(6, 8, 0, &tcp(tcp_flag::FIN, b"hello")));
    let packet = Packet::from_ethernet(&frame[..]).unwrap();
    assert_eq!(packet.source, Address::from_v4([10, 0, 0, 1]));
    assert_eq!(packet.destination, Address::from_v4([10, 0, 0, 7]));
    assert_eq!((packet.source_port, packet.destination_port), (40_000, 80));
    let segment = Segment::of(&frame[..], &packet).unwrap();
    assert_eq!(segment.sequence, 7);
    assert_eq!(segment.flags, tcp_flag::FIN);
    assert_eq!(&frame[usize::from(segment.payload)..], b"hello");
}

#[test]
fn a_vlan_tag_is_stepped_over() {
    let inner = ipv4(17, 0, 0, &[0x13, 0x88, 0, 53, 0, 8, 0, 0]);
    let mut tagged = vec![0, 5, 0x08, 0x00];
    tagged.extend_from_slice(&inner);
    let packet = Packet::from_ethernet(&ethernet(0x8100, &tagged)[..]).unwrap();
    assert_eq!((packet.source_port, packet.destination_port), (5_000, 53));
}

#[test]
fn ipv6_extension_headers_are_walked() {
    // Hop-by-hop (8 octets), destination options (16), then TCP.
    let mut rest = vec![60, 0, 0, 0, 0, 0, 0, 0];
    rest.extend_from_slice(&[6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    rest.extend_from_slice(&tcp(tcp_flag::SYN, b""));
    let packet = Packet::from_ip(&ipv6(0, &rest)[..]).unwrap();
    assert_eq!(packet.protocol, 6);
    assert_eq!(packet.destination, Address::from_v6([0xfe; 16]));
    assert_eq!(packet.destination_port, 80);
    assert_eq!(packet.transport, 64);
}

#[test]
fn a_chain_of_extensions_without_end_is_refused() {
    let mut rest = Vec::new();
    for _ in 0..20 {
        rest.extend_from_slice(&[60, 0, 0, 0, 0, 0, 0, 0]);
    }
    assert_eq!(Packet::from_ip(&ipv6(60, &rest)[..]), None);
}

#[test]
fn a_later_fragment_has_no_ports() {
    let packet = Packet::from_ip(&ipv4(17, 0, 100, &[1, 2, 3, 4])[..]).unwrap();
    assert!(packet.later_fragment);
    assert_eq!((packet.source_port, packet.destination_port), (0, 0));
    let mut fragment = vec![17, 0, 0x10, 0x08, 0, 0, 0, 1];
    fragment.extend_from_slice(&[9; 8]);
    let packet = Packet::from_ip(&ipv6(44, &fragment)[..]).unwrap();
    assert!(packet.later_fragment);
    assert_eq!(packet.source_port, 0);
}

#[test]
fn what_is_cut_short_is_refused_and_never_panics() {
    let frames = [
        ethernet(0x0800, &ipv4(6, 8, 0, &tcp(0, b""))),
        ethernet(0x86dd, &ipv6(6, &tcp(0, b""))),
        ethernet(0x86dd, &ipv6(0, &[6, 0, 0, 0, 0, 0, 0, 0])),
    ];
    for frame in &frames {
        for length in 0..frame.len() {
            let cut = &frame[..length];
            let segment = Packet::from_ethernet(cut).and_then(|p| Segment::of(cut, &p));
            // The last six bytes of a TCP header (window, checksum, urgent) aren't needed.
            assert!(segment.is_none() || length >= frame.len() - 6, "{length}");
        }
    }
    assert_eq!(
        Packet::from_ethernet(&ethernet(0x0806, &[0; 28])[..]),
        None,
        "ARP"
    );
    assert_eq!(Packet::from_ip(&[0x45, 0][..]), None);
    assert_eq!(
        Packet::from_ip(&[0x44; 40][..]),
        None,
        "header length under 20"
    );
}

#[test]
fn what_keeps_a_host_reachable_is_known() {
    let ask = ipv6(58, &[135, 0, 0, 0]);
    assert!(is_neighbour_discovery(&Packet::from_ip(&ask[..]).unwrap()));
    let ping = ipv6(58, &[128, 0, 0, 0]);
    let ping = Packet::from_ip(&ping[..]).unwrap();
    assert!(!is_neighbour_discovery(&ping) && !is_dhcp(&ping));
    let lease = ipv4(17, 0, 0, &[0, 68, 0, 67, 0, 8, 0, 0]);
    assert!(is_dhcp(&Packet::from_ip(&lease[..]).unwrap()));
}
