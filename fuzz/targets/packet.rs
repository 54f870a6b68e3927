//! The packet parser on hostile input. It must not panic, must not look beyond what it was
//! given, and must not change its mind when more of the same packet is there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probe_ebpf::packet::{Packet, Segment, is_dhcp, is_neighbour_discovery};

/// How a packet can be read.
type Reader = fn(&[u8]) -> Option<Packet>;

fuzz_target!(|bytes: &[u8]| {
    let readers: [Reader; 2] = [Packet::from_ethernet::<[u8]>, Packet::from_ip::<[u8]>];
    for read in readers {
        let Some(packet) = read(bytes) else {
            continue;
        };
        let segment = Segment::of(bytes, &packet);
        assert!(!(is_dhcp(&packet) && is_neighbour_discovery(&packet)));
        assert!(usize::from(packet.network) < bytes.len());
        assert!(packet.transport > packet.network);
        let has_ports = packet.source_port | packet.destination_port != 0;
        assert!(!(packet.later_fragment && has_ports), "{packet:?}");
        assert!(!(packet.later_fragment && segment.is_some()), "{packet:?}");
        let longer = [bytes, &[0xa5; 8]].concat();
        assert_eq!(read(&longer), Some(packet), "more bytes, another reading");
        assert!(segment.is_none() || Segment::of(&longer[..], &packet) == segment);
        // Any prefix would do; the input itself says which.
        let shorter = bytes.len() * usize::from(bytes[bytes.len() - 1]) / 256;
        let reading = read(&bytes[..shorter]);
        assert!(reading.is_none() || reading == Some(packet), "{reading:?}");
    }
});
