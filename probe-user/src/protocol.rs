//! Wire protocols: what the first bytes of a request and of its answer mean. One protocol a
//! file; bytes are hostile input, so nothing here panics or allocates beyond what it is given.

// What reads the kernel's new events calls the rest.
#![allow(dead_code)]

pub mod dns;
pub mod fingerprint;
pub mod http1;
pub mod http2;
pub mod tls;

/// A wire protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Timed by its turns, not understood.
    #[default]
    Unknown,
    /// HTTP/1.0 and 1.1.
    Http1,
    /// HTTP/2, streams of anything but gRPC.
    Http2,
    /// gRPC over HTTP/2.
    Grpc,
    /// Redis: RESP 2 and 3.
    Redis,
    /// PostgreSQL, version 3.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// DNS over UDP or TCP.
    Dns,
    /// TLS, whatever is inside.
    Tls,
}

/// The name of what isn't recognised.
pub const UNKNOWN: &str = "unknown";

impl Protocol {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => UNKNOWN,
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Redis => "redis",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Dns => "dns",
            Self::Tls => "tls",
        }
    }
}

/// What a turn of the caller's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that counts.
    Call,
    /// Part of agreeing on the connection; answered, but nobody's request.
    Handshake,
    /// Nobody answers it: whoever closes after it leaves nothing undone.
    OneWay,
}

/// What a request's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// What the connection speaks, as far as is known now.
    pub protocol: Protocol,
    /// Whether it counts.
    pub kind: Kind,
    /// The same for the same request made again.
    pub fingerprint: u64,
}

/// What an answer's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the connection speaks, as far as is known now.
    pub protocol: Protocol,
    /// The protocol's own status, where it has one.
    pub status: Option<u16>,
    /// Whether it says that the call failed.
    pub failed: bool,
}

/// Reads what a server said before anybody asked it.
pub fn greeting(_prefix: &[u8]) -> Protocol {
    Protocol::Unknown
}

/// Reads a request, on a connection of which `known` was found out before.
pub fn request(known: Protocol, prefix: &[u8]) -> Request {
    Request {
        protocol: known,
        kind: Kind::Call,
        fingerprint: fingerprint::of_line(prefix),
    }
}

/// Reads an answer, on a connection of which `known` was found out before. What no protocol
/// recognises is an answer nonetheless, and a good one: that it came is all that can be said.
pub fn answer(known: Protocol, prefix: &[u8]) -> Answer {
    http1::answer(prefix).unwrap_or(Answer {
        protocol: known,
        status: None,
        failed: false,
    })
}

/// Reads a request together with its answer: some requests are told only by what answers them.
pub fn exchange(known: Protocol, request: &[u8], answer: &[u8]) -> (Request, Answer) {
    let asked = self::request(known, request);
    let answered = self::answer(asked.protocol, answer);
    let asked = Request {
        protocol: answered.protocol,
        ..asked
    };
    (asked, answered)
}
