//! Round trips, short buffers and foreign ones.

use super::*;
use crate::address::Address;

/// The bytes of a `#[repr(C)]` event without padding, as the kernel program writes them.
fn bytes_of<T>(event: &T) -> &[u8] {
    // SAFETY: every event is `#[repr(C)]` with its padding spelled out, so each byte is
    // initialised; the slice lives as long as the event.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(event).cast(), size_of::<T>()) }
}

fn header(kind: u16, length: usize) -> EventHeader {
    EventHeader {
        kind,
        length: length as u16,
        peer: 3,
        at_ns: 1_000_000_007,
        cookie: 99,
    }
}

fn samples() -> [(Event, std::vec::Vec<u8>); 5] {
    let connect = ConnectEvent {
        header: header(kind::CONNECT, 88),
        pid: 10,
        tid: 11,
        comm: *b"shop\0\0\0\0\0\0\0\0\0\0\0\0",
        cgroup_id: 5,
        netns_cookie: 6,
        remote: Address::from_v4([10, 0, 0, 7]),
        remote_port: 80,
        pad: [0; 6],
    };
    let established = EstablishedEvent {
        header: header(kind::ESTABLISHED, 72),
        connect_ns: 12_345,
        local: Address::from_v4([10, 0, 0, 1]),
        remote: Address::from_v6([0xfd; 16]),
        local_port: 40_000,
        remote_port: 80,
        role: 1,
        pad: [0; 3],
    };
    let call = CallEvent {
        header: header(kind::CALL, 192),
        latency_ns: 77,
        number: 1,
        rtt_us: 250,
        role: 2,
        framing: 0,
        request_length: 3,
        answer_length: 255,
        pad: 0,
        request: [b'G'; REQUEST_PREFIX],
        answer: [b'H'; ANSWER_PREFIX],
    };
    let greeting = GreetingEvent {
        header: header(kind::GREETING, 128),
        role: 1,
        prefix_length: 3,
        pad: [0; 6],
        prefix: [b'2'; GREETING_PREFIX],
    };
    let close = CloseEvent {
        header: header(kind::CLOSE, 152),
        waited_ns: 1,
        bytes_out: 2,
        bytes_in: 3,
        requests: 4,
        ending: ending::RESET_SENT,
        role: 1,
        framing: 1,
        request_length: 2,
        request: [b'G'; REQUEST_PREFIX],
    };
    [
        (Event::Connect(connect), bytes_of(&connect).to_vec()),
        (
            Event::Established(established),
            bytes_of(&established).to_vec(),
        ),
        (Event::Close(close), bytes_of(&close).to_vec()),
        (Event::Call(call), bytes_of(&call).to_vec()),
        (Event::Greeting(greeting), bytes_of(&greeting).to_vec()),
    ]
}

#[test]
fn what_the_kernel_writes_is_what_is_read() {
    for (event, bytes) in samples() {
        assert_eq!(Event::decode(&bytes), Some(event));
        assert_eq!(Event::decode(&bytes).unwrap().header().cookie, 99);
    }
}

#[test]
fn a_short_buffer_is_refused_at_every_length() {
    for (_, bytes) in samples() {
        for length in 0..bytes.len() {
            assert_eq!(Event::decode(&bytes[..length]), None, "{length} bytes");
        }
    }
}

#[test]
fn a_sample_longer_than_its_event_is_read_all_the_same() {
    for (event, mut bytes) in samples() {
        bytes.extend_from_slice(&[0xee; 8]);
        assert_eq!(Event::decode(&bytes), Some(event));
    }
}

#[test]
fn an_unknown_kind_is_refused() {
    let (_, mut bytes) = samples()[0].clone();
    bytes[..2].copy_from_slice(&999u16.to_ne_bytes());
    assert_eq!(Event::decode(&bytes), None);
}

#[test]
fn a_prefix_length_beyond_the_prefix_is_cut() {
    let (Event::Call(call), _) = samples()[3].clone() else {
        unreachable!()
    };
    assert_eq!(call.answer().len(), ANSWER_PREFIX);
    assert_eq!(call.request(), b"GGG");
}
