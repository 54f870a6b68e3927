//! How the bytes of a connection are divided into TLS records or HTTP/2 frames, and what is kept
//! of it between segments.

/// Length of a TLS record's header.
pub const TLS_HEADER: u32 = 5;
/// Length of an HTTP/2 frame's header.
pub const HTTP2_HEADER: u32 = 9;
/// Length of what an HTTP/2 client says first (RFC 9113, section 3.4).
pub const HTTP2_PREFACE: u32 = 24;
/// Streams that wait for their answer at once, of all connections; beyond, the one that has
/// waited longest is forgotten.
pub const MAX_STREAMS: u32 = 65_536;

/// Gaps that are kept at once, of all connections; beyond, the one that has waited longest is
/// forgotten.
pub const MAX_GAPS: u32 = 8_192;

/// Where one direction of a connection stands.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Bytes still to come of what the header announced.
    pub remaining: u32,
    /// How many bytes of the header are there.
    pub held: u8,
    /// Other than zero where the place was lost: no header is known to begin anywhere.
    pub lost: u8,
    /// Always zero.
    pub pad: u16,
    /// The header of the record or frame that is passing.
    pub header: [u8; 16],
}

/// What is kept of a connection whose bytes are divided, in place of a waiting request's.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framed {
    /// What the near side sends.
    pub out: Walk,
    /// What it receives.
    pub into: Walk,
    /// HTTP/2: streams that wait for their answer and are sure to.
    pub open: u64,
    /// HTTP/2: the last stream that the client began.
    pub last_stream: u32,
    /// HTTP/2: how often the place was lost; streams from before may have been answered unseen.
    pub epoch: u32,
    /// TLS: bits of [`tls`].
    pub tls: u32,
    /// HTTP/2: gaps that aren't filled yet.
    pub gaps: u32,
    /// HTTP/2: where the first of them begins, and what is behind the last one; a segment from in
    /// between that fills none by its beginning has something that is missed.
    pub gaps_begin: u32,
    /// See `gaps_begin`.
    pub gaps_end: u32,
}

const _: () = assert!(size_of::<Walk>() == 24);
const _: () = assert!(size_of::<Framed>() == 80);

/// Bits of [`Framed::tls`].
pub mod tls {
    /// The client changed its cipher.
    pub const CIPHER_CHANGED: u32 = 1;
    /// The client's handshake is over: what it sends is the application's.
    pub const FINISHED: u32 = 2;
}

/// One stream of one connection.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamKey {
    /// Cookie of the socket.
    pub cookie: u64,
    /// Number of the stream.
    pub stream: u32,
    /// Always zero.
    pub pad: u32,
}

/// A stream that waits for its answer.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// When its request's first frame passed; 0 where its reset came before it.
    pub began_ns: u64,
    /// [`Framed::epoch`] at that time.
    pub epoch: u32,
    /// Always zero.
    pub pad: u32,
}

/// Bytes that were overtaken by those behind them, by where they begin.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GapKey {
    /// Cookie of the socket.
    pub cookie: u64,
    /// Sequence number of the first byte.
    pub begin: u32,
    /// Always zero.
    pub pad: u32,
}

/// What is to be known once they come.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Where the direction stood before them.
    pub walk: Walk,
    /// Sequence number of the first byte behind them.
    pub end: u32,
    /// The last stream that the client had begun before them.
    pub last_stream: u32,
    /// Tells it from the connection's others: where it began, whatever came of it since.
    pub number: u32,
    /// Always zero.
    pub pad: u32,
}

const _: () = assert!(size_of::<GapKey>() == 16);
const _: () = assert!(size_of::<Gap>() == 40);
