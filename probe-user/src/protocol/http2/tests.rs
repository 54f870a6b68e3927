//! Blocks of the appendix, of gRPC, cut, lost, and nonsense.

use super::*;

const HEADERS: u8 = kind::HEADERS;
const WHOLE: u8 = flag::END_HEADERS;
const LAST: u8 = flag::END_HEADERS | flag::END_STREAM;

fn bytes(hex: &str) -> Vec<u8> {
    let hex: String = hex.split_whitespace().collect();
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// RFC 7541, C.3 and C.4: three requests, as they are and Huffman coded.
const REQUESTS: [[&str; 3]; 2] = [
    [
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ],
    [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ],
];

/// RFC 7541, C.5 and C.6: three answers, through a table of 256 bytes.
const ANSWERS: [[&str; 3]; 2] = [
    [
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54\
         6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f\
         3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076\
         657273696f6e3d31",
    ],
    [
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f\
         0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335df\
         dfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ],
];

/// What a block says that comes alone, on a new connection.
fn alone(block: &[u8]) -> Headers {
    Connection::default()
        .frame(true, 1, HEADERS, WHOLE, block, true)
        .unwrap()
}

#[test]
fn requests_of_the_appendix_are_read() {
    let get_root = alone(&[0x82, 0x84]).fingerprint;
    let get_index = alone(&[0x82, 0x85]).fingerprint;
    assert_ne!(get_root, get_index);
    for blocks in REQUESTS {
        let mut connection = Connection::default();
        let fingerprints = blocks.map(|block| {
            let block = bytes(block);
            let headers = connection
                .frame(true, 1, HEADERS, LAST, &block, true)
                .unwrap();
            assert!(headers.end_stream);
            headers.fingerprint
        });
        assert_eq!(fingerprints, [get_root, get_root, get_index]);
        assert_eq!(connection.client.table.field(62).unwrap().size, 54);
        assert_eq!(connection.client.table.field(63).unwrap().size, 53);
        assert_eq!(connection.client.table.field(64).unwrap().size, 57);
    }
}

#[test]
fn answers_of_the_appendix_are_read() {
    for blocks in ANSWERS {
        let mut connection = Connection::default();
        connection.server.table.resize(256);
        let statuses = blocks.map(|block| {
            let block = bytes(block);
            let headers = connection.frame(false, 1, HEADERS, WHOLE, &block, true);
            headers.unwrap().status
        });
        assert_eq!(statuses, [Some(302), Some(307), Some(200)]);
        // Of all that was added, these three fit (C.5.3).
        let sizes: Vec<_> = (62..66)
            .map(|it| connection.server.table.field(it).unwrap().size)
            .collect();
        assert_eq!(sizes, [98, 52, 65, 0]);
    }
}

#[test]
fn however_a_block_is_cut_into_frames_it_says_the_same() {
    for block in REQUESTS.concat().into_iter().map(bytes) {
        let whole = alone(&block);
        for first in 0..=block.len() {
            for second in first..=block.len() {
                let mut connection = Connection::default();
                let mut frame =
                    |kind, flags, part: &[u8]| connection.frame(true, 1, kind, flags, part, true);
                assert_eq!(frame(HEADERS, 0, &block[..first]), None);
                let part = &block[first..second];
                assert_eq!(frame(kind::CONTINUATION, 0, part), None);
                let last = frame(kind::CONTINUATION, WHOLE, &block[second..]);
                assert_eq!(last, Some(whole), "{first}, {second}");
            }
        }
    }
}

#[test]
fn padding_and_priority_are_not_part_of_a_block() {
    let block = bytes(REQUESTS[1][0]);
    let payload = [b"\x03\0\0\0\0\x10", &block[..], b"\0\0\0"].concat();
    let flags = WHOLE | flag::PADDED | flag::PRIORITY;
    let mut connection = Connection::default();
    let headers = connection.frame(true, 1, HEADERS, flags, &payload, true);
    assert_eq!(headers, Some(alone(&block)));
    let mut connection = Connection::default();
    let headers = connection.frame(true, 1, HEADERS, flags, b"\xff\x82\x84", true);
    assert_eq!(
        headers.unwrap().fingerprint,
        0,
        "more padding than there is"
    );
}

/// gRPC's: `:status 200`, `content-type: application/grpc`, and trailers `grpc-status: N`.
fn grpc_answers(status: &str) -> [Vec<u8>; 2] {
    let content = b"\x88\x5f\x10application/grpc".to_vec();
    let length = [status.len() as u8];
    let trailers = [b"\x40\x0bgrpc-status", &length[..], status.as_bytes()].concat();
    [content, trailers]
}

#[test]
fn what_came_of_a_grpc_call_is_in_its_trailers() {
    for (text, failed) in [("0", false), ("5", false), ("8", true), ("14", true)] {
        let [content, trailers] = grpc_answers(text);
        let mut connection = Connection::default();
        let mut read = |stream, flags, block: &[u8]| {
            connection
                .frame(false, stream, HEADERS, flags, block, true)
                .unwrap()
        };
        let first = read(1, WHOLE, &content);
        assert!(first.grpc && !first.end_stream);
        assert_eq!(first.answer(), None, "it is still to come");
        let answer = Answer {
            protocol: Protocol::Grpc,
            status: text.parse().ok(),
            failed,
        };
        assert_eq!(read(1, LAST, &trailers).answer(), Some(answer));
        // Once more, by what was indexed; and without a message before it.
        assert_eq!(read(3, LAST, &[0x88, 0xbf, 0xbe]).answer(), Some(answer));
    }
}

#[test]
fn answers_of_http_are_in_their_headers() {
    let answer = |block: &[u8], flags| {
        let mut connection = Connection::default();
        let headers = connection.frame(false, 1, HEADERS, flags, block, true);
        headers
            .unwrap()
            .answer()
            .map(|it| (it.protocol, it.status, it.failed))
    };
    let http2 = |status, failed| Some((Protocol::Http2, Some(status), failed));
    assert_eq!(answer(&[0x88], WHOLE), http2(200, false));
    assert_eq!(answer(&[0x8d], LAST), http2(404, false));
    assert_eq!(answer(&[0x8e], WHOLE), http2(500, true));
    assert_eq!(answer(b"\x08\x03103", WHOLE), None, "early hints");
    assert_eq!(answer(b"\x40\x01a\x01b", LAST), None, "trailers");
    let mut of_a_proxy = b"\x08\x03503".to_vec();
    of_a_proxy.extend(&grpc_answers("0")[0][1..]);
    let grpc = Some((Protocol::Grpc, Some(503), true));
    assert_eq!(answer(&of_a_proxy, LAST), grpc);
}

#[test]
fn of_a_block_that_is_cut_short_what_is_there_is_believed() {
    let mut connection = Connection::default();
    let mut read = |block: &[u8], whole| {
        connection
            .frame(true, 1, HEADERS, WHOLE, block, whole)
            .unwrap()
            .fingerprint
    };
    let spelled = b"\x82\x44\x02/a";
    let indexed = [0x82, 0xbe];
    let same = read(spelled, true);
    assert_eq!(read(&indexed, true), same);
    assert_eq!(read(&[spelled, &b"\x41\x20exam"[..]].concat(), false), same);
    // What followed may have added to the table: its newest may be something else.
    let method_alone = read(&indexed, true);
    assert_ne!(method_alone, same);
    assert_ne!(method_alone, 0);
    assert_eq!(read(spelled, true), same);
    assert_eq!(read(&indexed, true), same, "added since");
}

#[test]
fn after_a_loss_only_what_was_added_since_is_believed() {
    let mut connection = Connection::default();
    let spelled = b"\x82\x44\x02/a";
    let indexed = [0x82, 0xbe];
    let first = connection
        .frame(true, 1, HEADERS, WHOLE, spelled, true)
        .unwrap();
    // The other direction has a table of its own.
    connection.lost(false);
    let again = connection.frame(true, 1, HEADERS, WHOLE, &indexed, true);
    assert_eq!(again, Some(first));
    connection.lost(true);
    let after = connection.frame(true, 1, HEADERS, WHOLE, &indexed, true);
    assert_ne!(after, Some(first));
    // A block whose end wasn't seen, and an end whose beginning wasn't.
    connection.frame(true, 1, HEADERS, WHOLE, spelled, true);
    assert_eq!(connection.frame(true, 3, HEADERS, 0, &[0x82], true), None);
    let after = connection
        .frame(true, 5, HEADERS, WHOLE, &indexed, true)
        .unwrap();
    assert_ne!(after.fingerprint, first.fingerprint);
    connection.frame(true, 1, HEADERS, WHOLE, spelled, true);
    assert_eq!(
        connection.frame(true, 7, kind::CONTINUATION, WHOLE, &[0x82], true),
        None
    );
    let after = connection
        .frame(true, 9, HEADERS, WHOLE, &indexed, true)
        .unwrap();
    assert_ne!(after.fingerprint, first.fingerprint);
}

#[test]
fn what_is_promised_is_nobodys_request() {
    let mut connection = Connection::default();
    let promise = b"\0\0\0\x02\x82\x44\x02/a";
    let mut read = |kind, payload: &[u8]| connection.frame(false, 1, kind, WHOLE, payload, true);
    assert_eq!(read(kind::PUSH_PROMISE, promise), None);
    // But it is in the table.
    let headers = read(HEADERS, &[0x82, 0xbe]).unwrap();
    assert_eq!(headers.fingerprint, alone(b"\x82\x44\x02/a").fingerprint);
}

#[test]
fn nonsense_says_nothing_but_its_stream() {
    for block in [
        &b"\x88\x80"[..],
        b"\x88\xff\xff\xff\xff\xff\x0f",
        b"\x88\x00\x81\xff\x00",
    ] {
        let mut connection = Connection::default();
        let headers = connection.frame(false, 7, HEADERS, LAST, block, true);
        let nothing = Headers {
            stream: 7,
            end_stream: true,
            ..Headers::default()
        };
        assert_eq!(headers, Some(nothing), "{block:?}");
    }
}
