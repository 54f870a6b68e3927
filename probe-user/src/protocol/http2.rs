//! HTTP/2 (RFC 9113) and gRPC: what the header blocks of a connection say.
//!
//! Blocks of a direction are read by what those before them said. Where one wasn't seen, or only
//! the beginning of it, what it may have added to the table is not believed; all else is.

mod block;
mod field;
mod frame;
mod hpack;
mod huffman;
mod table;
#[cfg(test)]
mod tests;
mod text;

use super::{Answer, Kind, Protocol, Request, http1};
use block::Side;
use frame::{flag, kind};

/// What every caller says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// As much of it as tells it from HTTP/1.
const PREFACE_LINE: usize = 16;

/// Whether a connection begins here.
pub fn is_preface(prefix: &[u8]) -> bool {
    let length = prefix.len().min(PREFACE.len());
    length >= PREFACE_LINE && prefix[..length] == PREFACE[..length]
}

/// Reads what a caller sent where streams weren't told apart.
pub fn request(known: Protocol, prefix: &[u8]) -> Request {
    let is_preface = is_preface(prefix);
    Request {
        protocol: if known == Protocol::Grpc {
            known
        } else {
            Protocol::Http2
        },
        kind: if is_preface {
            Kind::Handshake
        } else {
            Kind::Call
        },
        fingerprint: 0,
    }
}

/// The header blocks of a connection, both ways.
#[derive(Debug, Default)]
pub struct Connection {
    client: Side,
    server: Side,
}

/// A header block, read to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// The stream it belongs to.
    pub stream: u32,
    /// Whether nothing follows in its direction.
    pub end_stream: bool,
    /// A request's method and path; 0 where it isn't one, or they weren't seen.
    pub fingerprint: u64,
    /// An answer's `:status`.
    pub status: Option<u16>,
    /// Whether its content is gRPC's.
    pub grpc: bool,
    /// An answer's `grpc-status`, which stands in its trailers or in headers that end the stream.
    pub grpc_status: Option<u16>,
}

impl Headers {
    /// The answer that the server's headers or trailers are; `None` where it is still to come,
    /// or was told already.
    pub fn answer(&self) -> Option<Answer> {
        if let Some(status) = self.grpc_status {
            return Some(Answer {
                protocol: Protocol::Grpc,
                status: Some(status),
                failed: grpc_failed(status),
            });
        }
        let status = self.status.filter(|it| *it >= 200)?;
        // What came of it is in gRPC's trailers.
        (!self.grpc || self.end_stream || status != 200).then(|| Answer {
            protocol: if self.grpc {
                Protocol::Grpc
            } else {
                Protocol::Http2
            },
            status: Some(status),
            failed: http1::failed(status),
        })
    }
}

/// Whether a gRPC status says that the call failed: those that stand for HTTP's 500 and above, or
/// 429. The others are the caller's doing.
fn grpc_failed(status: u16) -> bool {
    const UNKNOWN: u16 = 2;
    const DEADLINE_EXCEEDED: u16 = 4;
    const RESOURCE_EXHAUSTED: u16 = 8;
    const UNIMPLEMENTED: u16 = 12;
    const INTERNAL: u16 = 13;
    const UNAVAILABLE: u16 = 14;
    const DATA_LOSS: u16 = 15;
    matches!(
        status,
        UNKNOWN
            | DEADLINE_EXCEEDED
            | RESOURCE_EXHAUSTED
            | UNIMPLEMENTED
            | INTERNAL
            | UNAVAILABLE
            | DATA_LOSS
    )
}

impl Connection {
    /// Takes in a frame, in the order in which its side sent them: HEADERS, CONTINUATION and
    /// PUSH_PROMISE; others are let pass. `payload` is the frame's without its nine bytes of
    /// header, `whole` whether all of it is there. Gives what a header block says at its end.
    pub fn frame(
        &mut self,
        from_client: bool,
        stream: u32,
        kind: u8,
        flags: u8,
        payload: &[u8],
        whole: bool,
    ) -> Option<Headers> {
        let side = self.side(from_client);
        match kind {
            kind::HEADERS | kind::PUSH_PROMISE => side.begin(stream, kind, flags),
            kind::CONTINUATION => side.expect(stream),
            _ => return None,
        }
        side.go_on(frame::fragment(kind, flags, payload, whole), whole);
        (flags & flag::END_HEADERS != 0).then(|| side.end())?
    }

    /// Frames of one side weren't seen: of what it indexed by then nothing is believed. Also for
    /// connections whose beginning wasn't.
    pub fn lost(&mut self, from_client: bool) {
        self.side(from_client).forget();
    }

    /// What one side's frames say from now on was sent behind others that are still to come, in
    /// the gap of this number.
    pub fn leave_gap(&mut self, from_client: bool, gap: u32) {
        self.side(from_client).leave_gap(gap);
    }

    /// One side's next frame fills a gap; or, where none is named, nothing overtook it.
    pub fn turn_to(&mut self, from_client: bool, gap: Option<u32>) {
        self.side(from_client).turn_to(gap);
    }

    fn side(&mut self, from_client: bool) -> &mut Side {
        if from_client {
            &mut self.client
        } else {
            &mut self.server
        }
    }
}
