//! Wire protocols: what the first bytes of a request and of its answer mean. One protocol a
//! file; bytes are hostile input, so nothing here panics or allocates beyond what it is given.
//!
//! What a connection speaks is told by its bytes, never by its port alone. What could be
//! something else as well is left unknown until its answer fits too ([`exchange`]).

// What reads the kernel's new events calls the rest.
#![allow(dead_code)]

pub mod dns;
pub mod fingerprint;
pub mod http1;
pub mod http2;
pub mod mysql;
pub mod postgres;
pub mod redis;
#[cfg(test)]
mod tests;
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
    /// The same for the same request made again; 0 where bytes can't tell (TLS).
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
pub fn greeting(prefix: &[u8]) -> Protocol {
    if mysql::is_greeting(prefix) {
        Protocol::Mysql
    } else if redis::is_turned_away(prefix) {
        Protocol::Redis
    } else {
        Protocol::Unknown
    }
}

/// Reads a request, on a connection of which `known` was found out before.
pub fn request(known: Protocol, prefix: &[u8]) -> Request {
    // A connection may turn to TLS at any time, where both agreed to (STARTTLS, CONNECT).
    if tls::is_client_hello(prefix) || known == Protocol::Tls {
        return tls::request(prefix);
    }
    match known {
        Protocol::Unknown => recognise(prefix).unwrap_or(Request {
            protocol: Protocol::Unknown,
            kind: Kind::Call,
            fingerprint: fingerprint::of_line(prefix),
        }),
        Protocol::Http1 if !http2::is_preface(prefix) => http1::request(prefix),
        Protocol::Http1 | Protocol::Http2 | Protocol::Grpc => http2::request(known, prefix),
        Protocol::Redis => redis::request(prefix),
        Protocol::Postgres => postgres::request(prefix),
        Protocol::Mysql => mysql::request(prefix),
        Protocol::Dns => dns::request(prefix),
        Protocol::Tls => tls::request(prefix),
    }
}

/// Reads an answer, on a connection of which `known` was found out before. What no protocol
/// recognises is an answer nonetheless, and a good one: that it came is all that can be said.
pub fn answer(known: Protocol, prefix: &[u8]) -> Answer {
    let read = match known {
        Protocol::Unknown => http1::answer(prefix).or_else(|| tls::answer(prefix)),
        Protocol::Http1 => http1::answer(prefix),
        // Streams are answered one by one: see http2::Headers.
        Protocol::Http2 | Protocol::Grpc => None,
        Protocol::Redis => redis::answer(prefix),
        Protocol::Postgres => postgres::answer(prefix),
        Protocol::Mysql => mysql::answer(prefix),
        Protocol::Dns => dns::answer(prefix),
        Protocol::Tls => tls::answer(prefix),
    };
    read.unwrap_or(Answer {
        protocol: known,
        status: None,
        failed: false,
    })
}

/// Reads a request together with its answer: some requests are told only by what answers them.
pub fn exchange(known: Protocol, request: &[u8], answer: &[u8]) -> (Request, Answer) {
    let mut asked = self::request(known, request);
    if asked.protocol == Protocol::Unknown {
        asked = self::request(recognise_together(request, answer), request);
    }
    let answered = self::answer(asked.protocol, answer);
    if asked.protocol == Protocol::Unknown {
        asked.protocol = answered.protocol;
    }
    if asked.protocol == Protocol::Mysql && asked.kind == Kind::OneWay {
        // Another command came right behind it, in a segment of its own.
        asked.kind = Kind::Call;
    }
    (asked, answered)
}

/// What request this is for sure.
fn recognise(prefix: &[u8]) -> Option<Request> {
    let request = if http2::is_preface(prefix) {
        http2::request(Protocol::Http2, prefix)
    } else if http1::is_request(prefix) {
        http1::request(prefix)
    } else if redis::is_request(prefix) {
        redis::request(prefix)
    } else if postgres::is_first_request(prefix) {
        postgres::request(prefix)
    } else if dns::is_question(prefix) {
        dns::request(prefix)
    } else {
        return None;
    };
    Some(request)
}

/// What a request that could be several things is, by its answer.
fn recognise_together(request: &[u8], answer: &[u8]) -> Protocol {
    if request == answer {
        // An echo says nothing of its own.
        Protocol::Unknown
    } else if redis::fits(request, answer) {
        Protocol::Redis
    } else if postgres::fits(request, answer) {
        Protocol::Postgres
    } else if mysql::fits(request, answer) {
        Protocol::Mysql
    } else {
        Protocol::Unknown
    }
}
