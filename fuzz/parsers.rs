//! probe's protocols, as a library: the program that they are part of is none.

#[path = "../probe-user/src"]
mod probe {
    pub mod protocol;
}

pub use probe::protocol;

use protocol::{Answer, Kind, Protocol, Request};

/// Reads some bytes as a request and what is left as its answer, on a connection that speaks a
/// protocol; checks what holds whatever they are. The first byte says where one ends.
pub fn exchange(known: Protocol, bytes: &[u8]) -> Option<(Request, Answer)> {
    let (asked, answered) = halves(bytes)?;
    let request = protocol::request(known, asked);
    let answer = protocol::answer(known, answered);
    assert_eq!(protocol::request(known, asked), request);
    assert_eq!(answer.protocol, known, "what was known isn't any more");
    // Anything may turn to TLS, and HTTP/1 to HTTP/2; nothing else changes.
    let may_turn = [known, Protocol::Tls, Protocol::Http2];
    assert!(may_turn.contains(&request.protocol), "{request:?}");
    let (request, answer) = protocol::exchange(known, asked, answered);
    assert_eq!(request.protocol, answer.protocol);
    let is_one_way = request.kind == Kind::OneWay;
    assert!(!is_one_way || request.protocol != Protocol::Mysql);
    Some((request, answer))
}

/// A request and an answer: the first byte says where one ends.
pub fn halves(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&share, rest) = bytes.split_first()?;
    Some(rest.split_at(rest.len() * usize::from(share) / 256))
}
