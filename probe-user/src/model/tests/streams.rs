//! Streams of one connection, made by hand frame by frame.

use probe_common::event::{FrameEvent, FrameHead, frame_kind};

use super::*;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const WHOLE: u8 = END_STREAM | END_HEADERS;

/// A request: POST /0 … /9, in literals that nobody indexes; as gRPC where it says so.
fn request(path: u8, grpc: bool) -> Vec<u8> {
    let mut block = vec![0x83, 0x04, 2, b'/', path];
    if grpc {
        block.extend_from_slice(GRPC);
    }
    block
}

/// `content-type: application/grpc`, its name by the fixed table.
const GRPC: &[u8] = b"\x0f\x10\x10application/grpc";
/// `:status` 200, 503 and 103.
const OK: &[u8] = &[0x88];
const UNAVAILABLE: &[u8] = b"\x08\x03503";
const EARLY_HINTS: &[u8] = b"\x08\x03103";

fn trailers(status: &[u8]) -> Vec<u8> {
    let mut block = b"\x00\x0bgrpc-status".to_vec();
    block.push(status.len() as u8);
    block.extend_from_slice(status);
    block
}

/// One caller's connection, and what it amounts to.
struct Wire(Model);

impl Wire {
    fn new() -> Self {
        let mut model = Model::default();
        model.observe(&connect(0, 1), Some(&client()));
        Self(model)
    }

    fn frame(
        &mut self,
        at_ms: u64,
        kind: u8,
        flags: u8,
        stream: u32,
        outgoing: bool,
        payload: &[u8],
    ) -> Option<Call> {
        let length = payload.len();
        self.piece(at_ms, kind, flags, stream, outgoing, (length, 0, payload))
    }

    fn piece(
        &mut self,
        at_ms: u64,
        kind: u8,
        flags: u8,
        stream: u32,
        outgoing: bool,
        (length, offset, fragment): (usize, usize, &[u8]),
    ) -> Option<Call> {
        let frame = Event::Frame(FrameEvent {
            head: FrameHead {
                header: header(at_ms, 1),
                stream,
                frame_length: length as u32,
                offset: offset as u32,
                fragment_length: fragment.len() as u16,
                kind,
                flags,
                role: role::CLIENT,
                outgoing: outgoing.into(),
                ..FrameHead::default()
            },
            fragment,
        });
        self.0.observe(&frame, Some(&client()))
    }

    /// What the client or the server says of a gap, or late, to fill it.
    fn of_gap(&mut self, from_client: bool, kind: u8, stream: u32, block: &[u8]) -> Option<Call> {
        let frame = Event::Frame(FrameEvent {
            head: FrameHead {
                header: header(7, 1),
                stream,
                frame_length: block.len() as u32,
                fragment_length: block.len() as u16,
                kind,
                flags: WHOLE,
                role: role::CLIENT,
                outgoing: from_client.into(),
                late: (kind != frame_kind::OVERTAKES).into(),
                gap: 7,
                ..FrameHead::default()
            },
            fragment: block,
        });
        self.0.observe(&frame, Some(&client()))
    }

    fn ask(&mut self, at_ms: u64, stream: u32, block: &[u8]) {
        let asked = self.frame(at_ms, frame_kind::HEADERS, WHOLE, stream, true, block);
        assert_eq!(asked, None, "a request is no call yet");
    }

    fn answer(&mut self, at_ms: u64, stream: u32, flags: u8, block: &[u8]) -> Option<Call> {
        self.frame(at_ms, frame_kind::HEADERS, flags, stream, false, block)
    }
}

#[test]
fn streams_are_calls_whatever_their_order() {
    let mut wire = Wire::new();
    for n in 0..8u32 {
        wire.ask(
            10 + u64::from(n),
            1 + 2 * n,
            &request(b'0' + n as u8, false),
        );
    }
    let mut prints = Vec::new();
    for n in (0..8u32).rev() {
        let block = if n == 3 { UNAVAILABLE } else { OK };
        let at_ms = 200 - u64::from(n) * 10;
        let call = wire.answer(at_ms, 1 + 2 * n, END_HEADERS, block).unwrap();
        assert_eq!((call.stream, call.number), (1 + 2 * n, n + 1));
        assert_eq!(call.waited_ns, (190 - 11 * u64::from(n)) * MS);
        assert_eq!(call.began_ns, (10 + u64::from(n)) * MS);
        let due = if n == 3 { Outcome::Error } else { Outcome::Ok };
        assert_eq!((call.outcome, call.protocol), (due, Protocol::Http2));
        assert_eq!((call.pid, call.tid), (42, 43));
        prints.push(call.fingerprint);
    }
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), 8);
    assert_eq!(wire.0.dependencies()[0].party.history.total().calls, 8);
}

#[test]
fn grpc_tells_in_its_trailers_how_it_went() {
    let mut wire = Wire::new();
    let mut block = OK.to_vec();
    block.extend_from_slice(GRPC);
    for (stream, status, due) in [(1, "0", Outcome::Ok), (3, "14", Outcome::Error)] {
        wire.ask(10, stream, &request(b'0', true));
        assert_eq!(wire.answer(15, stream, END_HEADERS, &block), None);
        let call = wire.answer(40, stream, WHOLE, &trailers(status.as_bytes()));
        let call = call.unwrap();
        assert_eq!((call.outcome, call.protocol), (due, Protocol::Grpc));
        assert_eq!(call.status, status.parse().ok());
        assert_eq!((call.waited_ns, call.ended_ns), (5 * MS, 40 * MS));
    }
    // Nothing but trailers.
    wire.ask(50, 5, &request(b'0', true));
    block.extend_from_slice(&trailers(b"12"));
    let call = wire.answer(60, 5, WHOLE, &block).unwrap();
    assert_eq!((call.outcome, call.status), (Outcome::Error, Some(12)));
}

#[test]
fn what_is_only_announced_is_no_answer() {
    let mut wire = Wire::new();
    wire.ask(0, 1, &request(b'0', false));
    assert_eq!(wire.answer(5, 1, END_HEADERS, EARLY_HINTS), None);
    let call = wire.answer(9, 1, END_HEADERS, OK).unwrap();
    assert_eq!(call.status, Some(200));
    assert_eq!(wire.answer(12, 1, WHOLE, OK), None, "trailers end nothing");
}

#[test]
fn who_resets_a_stream_decides_what_it_was() {
    let mut wire = Wire::new();
    for (stream, by_client, due) in [(1, true, Outcome::Abandoned), (3, false, Outcome::Reset)] {
        wire.ask(10, stream, &request(b'0', false));
        let reset = frame_kind::RST_STREAM;
        let call = wire.frame(500, reset, 0, stream, by_client, &[0, 0, 0, 8]);
        let call = call.unwrap();
        assert_eq!((call.outcome, call.waited_ns), (due, 490 * MS));
        assert_eq!(wire.answer(600, stream, WHOLE, OK), None, "too late");
    }
}

#[test]
fn a_connection_takes_its_streams_along() {
    let mut wire = Wire::new();
    for stream in [1, 3, 5] {
        wire.ask(u64::from(stream), stream, &request(b'0', false));
    }
    wire.answer(50, 3, WHOLE, OK).unwrap();
    let Event::Close(close) = close(100, 1, 0, role::CLIENT, ending::FIN_RECEIVED) else {
        unreachable!()
    };
    let closed = Event::Close(CloseEvent {
        framing: probe_common::flow::framing::HTTP2,
        ..close
    });
    let mut next = wire.0.observe(&closed, Some(&client()));
    let mut ended = Vec::new();
    while let Some(call) = next {
        assert!(call.party.is_some());
        ended.push((call.stream, call.outcome, call.waited_ns / MS));
        next = wire.0.ended_as_well();
    }
    let closed = Outcome::Closed;
    assert_eq!(ended, [(1, closed, 99), (5, closed, 95)]);
    assert_eq!(wire.0.dependencies()[0].party.history.total().calls, 3);
}

#[test]
fn headers_in_pieces_are_put_together() {
    let mut wire = Wire::new();
    let block = request(b'7', true);
    let asked = |wire: &mut Wire, stream, cuts: &[usize]| {
        let mut from = 0;
        for &to in cuts.iter().chain([&block.len()]) {
            let piece = (block.len(), from, &block[from..to]);
            let kind = frame_kind::HEADERS;
            assert_eq!(wire.piece(1, kind, WHOLE, stream, true, piece), None);
            from = to;
        }
        let call = wire.answer(5, stream, WHOLE, &trailers(b"0")).unwrap();
        (call.fingerprint, call.protocol)
    };
    let whole = asked(&mut wire, 1, &[]);
    assert_eq!(whole.1, Protocol::Grpc);
    assert_eq!(asked(&mut wire, 3, &[1]), whole);
    assert_eq!(asked(&mut wire, 5, &[4, 6, 20]), whole);
}

#[test]
fn streams_from_before_frames_were_lost_are_not_laid_to_anybody() {
    let mut wire = Wire::new();
    wire.ask(1, 1, &request(b'0', false));
    wire.frame(2, frame_kind::LOST, 0, 0, false, &[]);
    wire.ask(3, 3, &request(b'0', false));
    assert_eq!(wire.answer(5, 1, WHOLE, OK), None);
    assert_eq!(wire.answer(6, 3, WHOLE, OK).unwrap().stream, 3);
}

#[test]
fn answers_that_were_overtaken_count_when_they_come() {
    let mut wire = Wire::new();
    for stream in [1, 3] {
        wire.ask(1, stream, &request(b'0', false));
    }
    assert_eq!(wire.of_gap(false, frame_kind::OVERTAKES, 0, &[]), None);
    assert_eq!(wire.answer(5, 3, WHOLE, OK).unwrap().stream, 3);
    let late = wire.of_gap(false, frame_kind::HEADERS, 1, OK);
    assert_eq!(late.unwrap().stream, 1);
    assert_eq!(wire.of_gap(false, frame_kind::HEADERS, 1, OK), None);
}

#[test]
fn requests_that_were_overtaken_are_calls() {
    let mut wire = Wire::new();
    let block = request(b'0', false);
    wire.ask(1, 1, &block);
    wire.of_gap(true, frame_kind::OVERTAKES, 0, &[]);
    wire.ask(2, 7, &block);
    // Those of 3 again are trailers, and not another request.
    for stream in [3, 5, 3] {
        assert_eq!(wire.of_gap(true, frame_kind::HEADERS, stream, &block), None);
    }
    for stream in [1, 3, 5, 7] {
        let call = wire.answer(9, stream, WHOLE, OK).unwrap();
        assert_ne!(call.fingerprint, 0, "{stream}");
    }
    assert_eq!(wire.answer(9, 3, WHOLE, OK), None);
}

#[test]
fn a_first_request_that_was_overtaken_takes_nothing_from_those_behind_it() {
    let mut wire = Wire::new();
    wire.of_gap(true, frame_kind::OVERTAKES, 0, &[]);
    let indexed = [&[0x83, 0x44, 2][..], b"/7"].concat();
    wire.ask(2, 3, &indexed);
    let first = request(b'0', false);
    assert_eq!(wire.of_gap(true, frame_kind::HEADERS, 1, &first), None);
    // The path by its index.
    wire.ask(3, 5, &[0x83, 0xbe]);
    let mut answered = |stream| wire.answer(9, stream, WHOLE, OK).unwrap().fingerprint;
    assert_ne!(answered(1), 0);
    assert_eq!(answered(3), answered(5));
}

#[test]
fn a_request_whose_reset_overtook_it_waits_for_nothing() {
    let mut wire = Wire::new();
    let block = request(b'0', false);
    wire.ask(1, 1, &block);
    wire.of_gap(true, frame_kind::OVERTAKES, 0, &[]);
    assert_eq!(
        wire.frame(2, frame_kind::RST_STREAM, 0, 3, true, &[0; 4]),
        None
    );
    assert_eq!(wire.of_gap(true, frame_kind::HEADERS, 3, &block), None);
    assert_eq!(wire.answer(9, 3, WHOLE, OK), None);
    assert_eq!(wire.answer(9, 1, WHOLE, OK).unwrap().stream, 1);
}

#[test]
fn streams_that_nobody_ends_are_bounded() {
    let mut wire = Wire::new();
    for n in 0..6_000 {
        wire.ask(1, 1 + 2 * n, &request(b'0', false));
    }
    assert_eq!(wire.answer(5, 1, WHOLE, OK).unwrap().number, 1);
    assert_eq!(wire.answer(5, 1 + 2 * 5_999, WHOLE, OK), None);
}
