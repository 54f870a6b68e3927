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

type Sample = (Event<'static>, std::vec::Vec<u8>);

fn samples() -> [Sample; 8] {
    let ([connect, established, close], [call, greeting]) = (of_connections(), of_turns());
    let [hello, frame] = of_framed();
    let message = of_datagrams();
    [
        connect,
        established,
        close,
        call,
        greeting,
        hello,
        frame,
        message,
    ]
}

fn of_datagrams() -> Sample {
    let message = MessageEntry {
        head: MessageHead {
            header: header(kind::MESSAGE, 544),
            length: 12,
            pad: [0; 6],
        },
        bytes: [0x81; MESSAGE_PREFIX],
    };
    let told = MessageEvent {
        head: message.head,
        bytes: &[0x81; 12],
    };
    (Event::Message(told), bytes_of(&message).to_vec())
}

fn of_connections() -> [Sample; 3] {
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
    ]
}

fn of_turns() -> [Sample; 2] {
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
    [
        (Event::Call(call), bytes_of(&call).to_vec()),
        (Event::Greeting(greeting), bytes_of(&greeting).to_vec()),
    ]
}

fn of_framed() -> [Sample; 2] {
    let hello = HelloEntry {
        head: HelloHead {
            header: header(kind::HELLO, 544),
            prefix_length: 4,
            role: 1,
            pad: [0; 5],
        },
        prefix: [0x16; HELLO_PREFIX],
    };
    let frame = FrameEntry::<SMALL_FRAGMENT> {
        head: FrameHead {
            header: header(kind::FRAME, 120),
            stream: 5,
            frame_length: 700,
            offset: 512,
            rtt_us: 9,
            fragment_length: 3,
            kind: frame_kind::HEADERS,
            flags: 4,
            role: 1,
            outgoing: 1,
            late: 1,
            pad: 0,
            gap: 7,
            pad_behind: 0,
        },
        fragment: [0x82; SMALL_FRAGMENT],
    };
    let told = HelloEvent {
        head: hello.head,
        prefix: &[0x16; 4],
    };
    let piece = FrameEvent {
        head: frame.head,
        fragment: &[0x82; 3],
    };
    [
        (Event::Hello(told), bytes_of(&hello).to_vec()),
        (Event::Frame(piece), bytes_of(&frame).to_vec()),
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

#[test]
fn a_piece_longer_than_its_room_is_cut() {
    let (_, mut bytes) = samples()[6].clone();
    bytes[40..42].copy_from_slice(&u16::MAX.to_ne_bytes());
    let Some(Event::Frame(frame)) = Event::decode(&bytes) else {
        unreachable!()
    };
    assert_eq!(frame.fragment.len(), SMALL_FRAGMENT);
    // Shorter than what every frame's event begins with.
    bytes[2..4].copy_from_slice(&47u16.to_ne_bytes());
    assert_eq!(Event::decode(&bytes), None);
}
