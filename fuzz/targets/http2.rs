//! HTTP/2's header blocks on hostile input: frames as the input says, some of them cut short or
//! lost. Whatever went before, a block that spells everything out is read right; and however a
//! block is cut into frames, it says the same.
#![no_main]

use fuzz::protocol::http2::{Connection, Headers};
use libfuzzer_sys::fuzz_target;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
/// `:method GET`, `:path /a`, neither of them by what was indexed.
const SPELLED: &[u8] = b"\x82\x04\x02/a";

fuzz_target!(|bytes: &[u8]| {
    let mut connection = Connection::default();
    let mut rest = bytes;
    // Five bytes of how a frame is, and as much of it as it says.
    while let Some((&[kind, flags, stream, how, length], behind)) = rest.split_first_chunk() {
        let from_client = how & 1 != 0;
        if how & 2 != 0 {
            connection.lost(from_client);
        }
        if how & 16 != 0 {
            connection.leave_gap(from_client, u32::from(how >> 6));
        }
        // Some come late, into gaps that are there and some that aren't.
        let gap = (how & 32 != 0).then_some(u32::from(how >> 6));
        connection.turn_to(from_client, gap);
        let (payload, behind) = behind.split_at(behind.len().min(length.into()));
        rest = behind;
        let whole = how & 4 == 0;
        // Mostly frames that mean something.
        let kind = if how & 8 == 0 {
            kind % 10
        } else {
            [HEADERS, CONTINUATION][usize::from(kind % 2)]
        };
        let stream = u32::from(stream % 4);
        let headers = connection.frame(from_client, stream, kind, flags, payload, whole);
        check(headers, stream, flags);
    }
    let spelled = |connection: &mut Connection| {
        connection.frame(true, 7, HEADERS, END_HEADERS, SPELLED, true)
    };
    let expected = spelled(&mut Connection::default());
    assert_ne!(expected.map(|it| it.fingerprint), Some(0));
    connection.turn_to(true, None);
    assert_eq!(spelled(&mut connection), expected);
    in_pieces(bytes);
});

fn check(headers: Option<Headers>, stream: u32, flags: u8) {
    let Some(headers) = headers else {
        return;
    };
    assert_ne!(flags & END_HEADERS, 0);
    assert_eq!(headers.stream, stream);
    assert!(headers.status.is_none_or(|it| it < 1_000));
    assert!(headers.grpc_status.is_none_or(|it| it < 1_000));
    let answer = headers.answer();
    assert!(answer.is_none_or(|it| it.status.is_some()));
}

/// The same block at once and in two frames.
fn in_pieces(bytes: &[u8]) {
    let Some((&at, block)) = bytes.split_first() else {
        return;
    };
    let at = block.len() * usize::from(at) / 256;
    let (mut at_once, mut in_two) = (Connection::default(), Connection::default());
    let whole = at_once.frame(false, 1, HEADERS, END_HEADERS, block, true);
    in_two.frame(false, 1, HEADERS, 0, &block[..at], true);
    let joined = in_two.frame(false, 1, CONTINUATION, END_HEADERS, &block[at..], true);
    assert_eq!(joined, whole);
    // And what they leave behind is the same.
    for index in 0xbe..=0xc5 {
        let read = |it: &mut Connection| it.frame(false, 3, HEADERS, END_HEADERS, &[index], true);
        assert_eq!(read(&mut in_two), read(&mut at_once));
    }
}
