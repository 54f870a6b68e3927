//! HTTP/2 (RFC 9113) and gRPC: what the header blocks of a connection say.

/// The header blocks of a connection, both ways: each is read by what those before it said.
#[derive(Debug, Default)]
pub struct Connection {}

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

impl Connection {
    /// Takes in a frame, in the order in which its side sent them: HEADERS, CONTINUATION and
    /// PUSH_PROMISE; others are let pass. `payload` is the frame's without its nine bytes of
    /// header, `whole` whether all of it is there. Gives what a header block says at its end.
    pub fn frame(
        &mut self,
        _from_client: bool,
        _stream: u32,
        _kind: u8,
        _flags: u8,
        _payload: &[u8],
        _whole: bool,
    ) -> Option<Headers> {
        None
    }

    /// Frames of one side weren't seen: of what it indexed by then nothing is believed.
    pub fn lost(&mut self, _from_client: bool) {}
}
