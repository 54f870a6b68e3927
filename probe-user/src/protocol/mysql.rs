//! MySQL's and MariaDB's client/server protocol, uncompressed: packets of a length in three bytes,
//! a sequence number and a payload. A command begins at number 0; what else a caller sends is
//! part of logging in (or of a file it was asked for).

use super::{Answer, Kind, Protocol, Request, fingerprint};

/// Length and sequence number.
const HEADER: usize = 4;
/// Handshake protocol 10, the only one since 1998.
const VERSION: u8 = 10;
/// A packet's first byte that says that it is an error.
const ERROR: u8 = 0xff;
/// Not an error: how far MariaDB's ALTER TABLE got.
const PROGRESS: u16 = 0xffff;

/// Commands by their first byte.
mod command {
    pub(super) const QUIT: u8 = 0x01;
    pub(super) const INIT_DB: u8 = 0x02;
    pub(super) const QUERY: u8 = 0x03;
    pub(super) const STATISTICS: u8 = 0x09;
    pub(super) const PING: u8 = 0x0e;
    pub(super) const STMT_PREPARE: u8 = 0x16;
    pub(super) const STMT_EXECUTE: u8 = 0x17;
    pub(super) const STMT_SEND_LONG_DATA: u8 = 0x18;
    pub(super) const STMT_CLOSE: u8 = 0x19;
    pub(super) const STMT_RESET: u8 = 0x1a;
    pub(super) const RESET_CONNECTION: u8 = 0x1f;
}

/// A packet, as far as it is there.
struct Packet<'a> {
    length: usize,
    number: u8,
    payload: &'a [u8],
}

/// Reads a packet; gives what follows it, too.
fn packet(bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let (&[a, b, c, number], rest) = bytes.split_first_chunk::<HEADER>()?;
    let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
    let packet = Packet {
        length,
        number,
        payload: &rest[..rest.len().min(length)],
    };
    Some((packet, rest.get(length..).unwrap_or_default()))
}

/// Whether this is how a server greets: with its version, or with why it won't have this caller.
pub(super) fn is_greeting(prefix: &[u8]) -> bool {
    let Some((packet, _)) = packet(prefix) else {
        return false;
    };
    let is_text = |text: &[u8]| text.iter().all(|byte| (b' '..0x7f).contains(byte));
    match packet.payload {
        _ if packet.number != 0 => false,
        [VERSION, rest @ ..] => {
            let version = rest.split(|&byte| byte == 0).next().unwrap_or(rest);
            // Behind the version: a thread's id, and a challenge.
            let is_long_enough = packet.length >= version.len() + 14;
            is_long_enough && version.first().is_some_and(u8::is_ascii_digit) && is_text(version)
        }
        [ERROR, low, high, text @ ..] => {
            let code = u16::from_le_bytes([*low, *high]);
            is_code(code) && text.first().is_some_and(u8::is_ascii_graphic) && is_text(text)
        }
        _ => false,
    }
}

/// Reads a request.
pub fn request(prefix: &[u8]) -> Request {
    let mut kind = Kind::Call;
    let mut rest = prefix;
    // One that nobody answers may have another behind it.
    while let Some((packet, behind)) = packet(rest) {
        kind = kind_of(&packet);
        if kind != Kind::OneWay || behind.is_empty() {
            break;
        }
        rest = behind;
    }
    Request {
        protocol: Protocol::Mysql,
        kind,
        fingerprint: fingerprint::of(prefix),
    }
}

fn kind_of(packet: &Packet<'_>) -> Kind {
    match packet.payload.first() {
        _ if packet.number != 0 => Kind::Handshake,
        Some(&(command::QUIT | command::STMT_SEND_LONG_DATA | command::STMT_CLOSE)) => Kind::OneWay,
        _ => Kind::Call,
    }
}

/// Reads an answer; an error's code is its status.
pub fn answer(prefix: &[u8]) -> Option<Answer> {
    let mut rest = prefix;
    let mut status = None;
    while let Some((packet, behind)) = packet(rest) {
        status = error(&packet);
        if status != Some(PROGRESS) {
            break;
        }
        status = None;
        rest = behind;
    }
    Some(Answer {
        protocol: Protocol::Mysql,
        status,
        failed: status.is_some(),
    })
}

/// The code of an error.
fn error(packet: &Packet<'_>) -> Option<u16> {
    match packet.payload {
        [ERROR, low, high, ..] => Some(u16::from_le_bytes([*low, *high])),
        _ => None,
    }
}

/// Whether both are what the two sides say after logging in.
pub(super) fn fits(request: &[u8], answer: &[u8]) -> bool {
    let (Some((asked, behind)), Some((answered, _))) = (packet(request), packet(answer)) else {
        return false;
    };
    behind.is_empty()
        && asked.number == 0
        && asks(&asked)
        && answered.number == 1
        && answers(&answered)
}

/// Whether a caller says this.
fn asks(packet: &Packet<'_>) -> bool {
    let Some((&code, rest)) = packet.payload.split_first() else {
        return false;
    };
    match code {
        command::PING | command::STATISTICS | command::RESET_CONNECTION => packet.length == 1,
        command::QUERY => {
            // No attributes: their count, and that of their sets.
            is_statement(rest.strip_prefix(b"\0\x01").unwrap_or(rest))
        }
        command::INIT_DB | command::STMT_PREPARE => is_statement(rest),
        command::STMT_RESET => packet.length == 5,
        // A statement's number, flags, and how often: once.
        command::STMT_EXECUTE => rest.get(5..9) == Some(&[1, 0, 0, 0]),
        _ => false,
    }
}

/// Whether a server says this.
fn answers(packet: &Packet<'_>) -> bool {
    match packet.payload {
        [0, ..] => packet.length >= 7,
        [ERROR, low, high, ..] => is_code(u16::from_le_bytes([*low, *high])),
        // Columns, counted.
        [1..=0xfa] => packet.length == 1,
        [0xfc, _, _] => packet.length == 3,
        // A file that it wants.
        [0xfb, ..] => packet.length > 1,
        // Statistics are a line of text.
        [b'U', ..] => packet.payload.starts_with(b"Uptime"),
        _ => false,
    }
}

/// The beginning of a statement's text, or of a name.
fn is_statement(text: &[u8]) -> bool {
    let is_text = |byte: &u8| *byte >= b' ' || byte.is_ascii_whitespace();
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_some_and(|byte| byte.is_ascii_alphabetic() || b"(/-#@`".contains(byte))
        && text.iter().all(is_text)
}

/// Codes of the server's errors begin at 1000.
fn is_code(code: u16) -> bool {
    (1000..0x4000).contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: &[u8] = b"\x5e\0\0\0\x0a5.5.5-10.11.14-MariaDB-0+deb12u2\0\x1f\0\0\0\x32KnOI&:c\0\xfe\xf7\x2d\x02\0\xff\x81\x15";
    const BLOCKED: &[u8] = b"\x1d\0\0\0\xff\x69\x04Host '10.0.0.9' is blocked";
    const QUERY: &[u8] = b"\x09\0\0\0\x03SELECT 1";
    const COLUMNS: &[u8] = b"\x01\0\0\x01\x01\x17\0\0\x02\x03def\0\0\0\x011\0";
    const OK: &[u8] = b"\x07\0\0\x01\0\0\0\x02\0\0\0";
    const NO_TABLE: &[u8] = b"\x26\0\0\x01\xff\x7a\x04#42S02Table 'shop.x' doesn't exist";

    #[test]
    fn servers_greet() {
        assert!(is_greeting(GREETING));
        assert!(is_greeting(BLOCKED));
        for bytes in [
            &b""[..],
            b"220 mail.shop ESMTP\r\n",
            b"SSH-2.0-OpenSSH_9.2p1\r\n",
            b"\x5e\0\0\x01\x0a5.5.5-10.11.14",
            b"\x05\0\0\0\x0a5.5.5",
            b"\x5e\0\0\0\x0aabc\0",
            b"\x5e\0\0\0\xff\x01\0no",
        ] {
            assert!(!is_greeting(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn packets_tell_what_they_are_for() {
        let kind = |bytes: &[u8]| request(bytes).kind;
        assert_eq!(kind(b"\xc2\0\0\x01\x85\xa2\xbf\x19"), Kind::Handshake);
        assert_eq!(kind(b"\x20\0\0\x03\xaa\xbb"), Kind::Handshake);
        assert_eq!(kind(b"\x01\0\0\0\x01"), Kind::OneWay);
        assert_eq!(kind(b"\x05\0\0\0\x19\x01\0\0\0"), Kind::OneWay);
        assert_eq!(kind(QUERY), Kind::Call);
        assert_eq!(kind(b"\x01\0\0\0\x0e"), Kind::Call);
        let closed_and_asked = [b"\x05\0\0\0\x19\x01\0\0\0", QUERY].concat();
        assert_eq!(kind(&closed_and_asked), Kind::Call);
    }

    #[test]
    fn errors_tell_their_code() {
        let read = |bytes: &[u8]| answer(bytes).map(|it| (it.status, it.failed)).unwrap();
        assert_eq!(read(NO_TABLE), (Some(1146), true));
        assert_eq!(read(OK), (None, false));
        assert_eq!(read(COLUMNS), (None, false));
        let progress = b"\x0a\0\0\x01\xff\xff\xff\x01\x01\x02\0\0\0\0";
        assert_eq!(read(progress), (None, false));
        assert_eq!(read(&[progress, NO_TABLE].concat()), (Some(1146), true));
    }

    #[test]
    fn commands_are_told_by_their_answers() {
        for answer in [COLUMNS, OK, NO_TABLE] {
            assert!(fits(QUERY, answer), "{answer:?}");
        }
        assert!(fits(b"\x01\0\0\0\x0e", OK));
        assert!(fits(b"\x0b\0\0\0\x03\0\x01SELECT 1", COLUMNS));
        assert!(!fits(QUERY, QUERY));
        assert!(!fits(b"\x01\0\0\0\x01", OK), "could be anything");
        assert!(!fits(b"\x09\0\0\0\x03\x01\x02\x03", OK));
        assert!(!fits(QUERY, b"HTTP/1.1 200 OK\r\n"));
    }
}
