//! PostgreSQL's frontend/backend protocol, version 3 ("Message Flow", "Message Formats").

use super::{Answer, Kind, Protocol, Request, fingerprint};

/// In place of a version number: asks for TLS, for GSSAPI encryption, to cancel a query.
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
/// Longest packet that opens a connection (`MAX_STARTUP_PACKET_LENGTH`).
const LONGEST_START: u32 = 10_000;
/// Longest message: what the server allocates at most.
const LONGEST: u32 = 0x3fff_ffff;

/// A message's type and length.
const HEADER: usize = 5;

/// What opens a connection.
enum Start {
    Startup,
    Encryption,
    Cancel,
}

/// Whether only PostgreSQL's callers say this: what opens a connection, or ends one.
pub fn is_first_request(prefix: &[u8]) -> bool {
    start(prefix).is_some() || prefix == b"X\0\0\0\x04"
}

/// Reads a request.
pub fn request(prefix: &[u8]) -> Request {
    let kind = match start(prefix) {
        Some(Start::Startup | Start::Encryption) => Kind::Handshake,
        // The server closes without a word.
        Some(Start::Cancel) => Kind::OneWay,
        None => match prefix.first() {
            // Passwords, SASL and GSSAPI.
            Some(b'p') => Kind::Handshake,
            Some(b'X') => Kind::OneWay,
            _ => Kind::Call,
        },
    };
    Request {
        protocol: Protocol::Postgres,
        kind,
        fingerprint: fingerprint::of(prefix),
    }
}

/// Reads an answer: failed if there is an ErrorResponse among its messages, as far as they are
/// there. `SQLSTATE` has letters in it, so it is nobody's status.
pub fn answer(prefix: &[u8]) -> Option<Answer> {
    let failed = match prefix {
        // To a request for encryption.
        [b'S' | b'N' | b'G'] => false,
        _ => Messages(prefix).any(|(kind, _, _)| kind == b'E'),
    };
    Some(Answer {
        protocol: Protocol::Postgres,
        status: None,
        failed,
    })
}

/// Whether both are messages as the two sides send them later in a connection's life.
pub(super) fn fits(request: &[u8], answer: &[u8]) -> bool {
    is_like(request, asks) && is_like(answer, answers)
}

/// Reads what opens a connection.
fn start(prefix: &[u8]) -> Option<Start> {
    let (length, rest) = prefix.split_first_chunk()?;
    let (code, rest) = rest.split_first_chunk()?;
    let (length, code) = (u32::from_be_bytes(*length), u32::from_be_bytes(*code));
    match code {
        SSL_REQUEST | GSSENC_REQUEST if length == 8 => Some(Start::Encryption),
        CANCEL_REQUEST if (13..=268).contains(&length) => Some(Start::Cancel),
        // Version 3 and any minor one that may come.
        0x3_0000..=0x3_00ff if (9..=LONGEST_START).contains(&length) => {
            let is_name = |byte: &u8| byte.is_ascii_graphic() || *byte == 0;
            rest.first().is_none_or(is_name).then_some(Start::Startup)
        }
        _ => None,
    }
}

/// The messages in some bytes: each one's type, its length without the type, and its content as
/// far as it is there. Ends at what can't be one.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = (u8, u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = u32::from_be_bytes(*length);
        if !kind.is_ascii_alphanumeric() || !(4..=LONGEST).contains(&length) {
            self.0 = &[];
            return None;
        }
        let content = length as usize - 4;
        self.0 = rest.get(content..).unwrap_or_default();
        Some((kind, length, &rest[..rest.len().min(content)]))
    }
}

/// Whether all of these bytes are messages of one side; a last one may be cut short.
fn is_like(bytes: &[u8], says: fn(u8, u32, &[u8]) -> bool) -> bool {
    let mut messages = Messages(bytes);
    while let Some((kind, length, content)) = messages.next() {
        if !says(kind, length, content) {
            return false;
        }
        if messages.0.len() < HEADER {
            return true;
        }
    }
    false
}

/// Whether a caller says this.
fn asks(kind: u8, length: u32, content: &[u8]) -> bool {
    match kind {
        b'Q' => is_text(content),
        b'P' | b'B' => content.contains(&0) || length > 64,
        b'D' | b'C' => matches!(content.first(), Some(b'S' | b'P')),
        b'E' => length >= 9,
        b'S' | b'H' | b'X' | b'c' => length == 4,
        b'd' | b'f' | b'F' | b'p' => true,
        _ => false,
    }
}

/// Whether a server says this.
fn answers(kind: u8, length: u32, content: &[u8]) -> bool {
    match kind {
        b'1' | b'2' | b'3' | b'n' | b's' | b'I' => length == 4,
        b'Z' => length == 5 && content.first().is_none_or(|it| b"ITE".contains(it)),
        b'E' | b'N' => content.first().is_none_or(|it| *it == b'S'),
        b'C' => {
            let is_tag = content.first().is_none_or(u8::is_ascii_uppercase);
            length >= 7 && is_tag && (content.is_empty() || is_text(content))
        }
        // Counts, of at most 1,664 columns, or 65,535 parameters.
        b'T' | b'D' => content.first().is_none_or(|high| *high <= 6),
        b't' | b'G' | b'H' | b'W' | b'V' | b'S' | b'A' => length >= 6,
        _ => false,
    }
}

/// Text, to its NUL or as far as it is there.
fn is_text(content: &[u8]) -> bool {
    let text = content.strip_suffix(b"\0").unwrap_or(content);
    let is_text = |byte: &u8| *byte >= b' ' || byte.is_ascii_whitespace();
    !text.is_empty() && text.iter().all(is_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTUP: &[u8] = b"\0\0\0\x24\0\x03\0\0user\0alice\0database\0shop\0\0";
    const QUERY: &[u8] = b"Q\0\0\0\x0dSELECT 1\0";
    const ROWS: &[u8] = b"T\0\0\0\x21\0\x01?column?\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0D\0\0\0\x0b\0\x01";
    const ERROR: &[u8] = b"E\0\0\0\x5fSERROR\0VERROR\0C42P01\0Mrelation \"x\" does";
    const READY: &[u8] = b"Z\0\0\0\x05I";

    #[test]
    fn what_opens_a_connection_is_nobodys_call() {
        let kind = |bytes: &[u8]| (is_first_request(bytes), request(bytes).kind);
        assert_eq!(kind(STARTUP), (true, Kind::Handshake));
        assert_eq!(kind(b"\0\0\0\x08\x04\xd2\x16\x2f"), (true, Kind::Handshake));
        assert_eq!(kind(b"\0\0\0\x08\x04\xd2\x16\x30"), (true, Kind::Handshake));
        assert_eq!(
            kind(b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02"),
            (true, Kind::OneWay)
        );
        assert_eq!(kind(b"p\0\0\0\x08md5"), (false, Kind::Handshake));
        assert_eq!(kind(b"X\0\0\0\x04"), (true, Kind::OneWay));
        assert_eq!(kind(QUERY), (false, Kind::Call));
    }

    #[test]
    fn what_else_opens_with_a_length_is_not_recognised() {
        for bytes in [
            &b""[..],
            b"\0\0\0\x08",
            b"\0\0\0\x09\x04\xd2\x16\x2f",
            b"\0\0\x40\0\0\x03\0\0user\0",
            b"\0\0\0\x24\0\x02\0\0user\0",
            b"\0\0\0\x24\0\x03\0\0\x01\x02",
            b"X\0\0\0\x05",
        ] {
            assert!(!is_first_request(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn an_error_anywhere_in_what_is_there_is_a_failure() {
        let failed = |bytes: &[u8]| answer(bytes).unwrap().failed;
        assert!(!failed(ROWS));
        assert!(failed(ERROR));
        let prepared = [b"1\0\0\0\x04", b"2\0\0\0\x04", ERROR].concat();
        assert!(failed(&prepared[..48]));
        assert!(!failed(b"N"), "no TLS here");
        assert!(!failed(
            b"R\0\0\0\x08\0\0\0\0S\0\0\0\x16application_name\0\0"
        ));
        // 'E' in a row's data isn't a message.
        assert!(!failed(
            b"D\0\0\0\x10\0\x01\0\0\0\x06EEEEEEC\0\0\0\x0dSELECT 1\0"
        ));
    }

    #[test]
    fn queries_are_told_by_their_answers() {
        assert!(fits(QUERY, ROWS));
        assert!(fits(QUERY, ERROR));
        assert!(fits(
            b"Q\0\0\0\x0bCOMMIT\0",
            &[b"C\0\0\0\x0bCOMMIT\0", READY].concat()
        ));
        let prepared = b"B\0\0\0\x13\0s1\0\0\0\0\x01\0\0\0\x017\0\0D\0\0\0\x06P\0E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04";
        assert!(fits(prepared, b"2\0\0\0\x04T\0\0\0\x21\0\x01?column?\0"));
        assert!(!fits(QUERY, b"Q\0\0\0\x0dSELECT 1\0"), "an echo");
        assert!(!fits(QUERY, b"HTTP/1.1 200 OK\r\n"));
        assert!(!fits(b"Quit", ROWS));
        assert!(!fits(b"Q\0\0\0\x0d\x01\x02\x03\x04", ROWS));
        assert!(!fits(b"", b""));
    }
}
