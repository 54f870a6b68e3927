//! TLS (RFC 8446; 5246): whom a ClientHello asks for, and which records are whose.

use super::{Answer, Kind, Protocol, Request};

/// What a record carries.
mod content {
    pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(super) const ALERT: u8 = 21;
    pub(super) const HANDSHAKE: u8 = 22;
    pub(super) const APPLICATION_DATA: u8 = 23;
}
/// Type, version, length.
const HEADER: usize = 5;
/// Longest record: 2¹⁴ bytes, and what encryption adds at most.
const LONGEST: u16 = (1 << 14) + 2_048;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// An alert in TLS 1.3's disguise: two bytes, their real type, and a tag of sixteen.
const HIDDEN_ALERT: u16 = 19;
/// The extension, and its only kind of name (RFC 6066).
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;
/// Longest name there is (RFC 1035), without the dot at its end.
const LONGEST_NAME: usize = 253;

/// A record, as far as it is there.
struct Record<'a> {
    content: u8,
    length: u16,
    body: &'a [u8],
}

/// Reads a record; gives what follows it, too.
fn record(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (&[content, major, minor, a, b], rest) = bytes.split_first_chunk::<HEADER>()?;
    let length = u16::from_be_bytes([a, b]);
    let is_type = (content::CHANGE_CIPHER_SPEC..=content::APPLICATION_DATA).contains(&content);
    if !is_type || major != 3 || minor > 4 || !(1..=LONGEST).contains(&length) {
        return None;
    }
    let body = &rest[..rest.len().min(usize::from(length))];
    let rest = rest.get(usize::from(length)..).unwrap_or_default();
    let record = Record {
        content,
        length,
        body,
    };
    Some((record, rest))
}

/// Whether a connection turns to TLS here.
pub fn is_client_hello(prefix: &[u8]) -> bool {
    hello(prefix, CLIENT_HELLO).is_some()
}

/// Reads what a caller sent in a connection that speaks TLS. Data within can't be told apart.
pub fn request(prefix: &[u8]) -> Request {
    let kind = match record(prefix) {
        Some((record, rest)) => match record.content {
            content::APPLICATION_DATA if record.length == HIDDEN_ALERT && rest.is_empty() => {
                Kind::OneWay
            }
            content::APPLICATION_DATA => Kind::Call,
            // Nobody answers an alert, the end's included.
            content::ALERT => Kind::OneWay,
            _ => Kind::Handshake,
        },
        None => Kind::Call,
    };
    Request {
        protocol: Protocol::Tls,
        kind,
        fingerprint: 0,
    }
}

/// Reads an answer: failed if it is an alert that can be read, with its description (RFC 8446, 6)
/// as status; `None` where no TLS server says that.
pub fn answer(prefix: &[u8]) -> Option<Answer> {
    let (record, _) = record(prefix)?;
    let status = match record.body {
        // Fatal, and not yet encrypted.
        [2, description] if record.content == content::ALERT && record.length == 2 => {
            Some(u16::from(*description))
        }
        // Whatever else there is to say is said after a ServerHello.
        _ => {
            hello(prefix, SERVER_HELLO)?;
            None
        }
    };
    Some(Answer {
        protocol: Protocol::Tls,
        status,
        failed: status.is_some(),
    })
}

/// The host that a ClientHello asks for, in lower case; `None` where it names none, or where the
/// name lies beyond what is there.
pub fn server_name(client_hello: &[u8]) -> Option<String> {
    let mut hello = Cursor(hello(client_hello, CLIENT_HELLO)?);
    hello.skip(2 + 32)?;
    // Session, cipher suites, compression methods.
    let session = hello.u8()?;
    hello.skip(session.into())?;
    let suites = hello.u16()?;
    hello.skip(suites.into())?;
    let methods = hello.u8()?;
    hello.skip(methods.into())?;
    let length = hello.u16()?;
    let mut extensions = Cursor(&hello.0[..hello.0.len().min(length.into())]);
    loop {
        let (extension, length) = (extensions.u16()?, extensions.u16()?);
        let body = extensions.take(length.into())?;
        if extension == SERVER_NAME {
            return host_name(Cursor(body));
        }
    }
}

/// The name in the extension.
fn host_name(mut list: Cursor<'_>) -> Option<String> {
    list.u16()?;
    if list.u8()? != HOST_NAME {
        return None;
    }
    let length = list.u16()?;
    let name = list.take(length.into())?;
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let is_name = (1..=LONGEST_NAME).contains(&name.len()) && name.iter().all(is_letter);
    let name = is_name
        .then(|| std::str::from_utf8(name))
        .and_then(Result::ok)?;
    Some(name.to_ascii_lowercase())
}

/// The body of a hello in the first record, as far as it is there.
fn hello(prefix: &[u8], which: u8) -> Option<&[u8]> {
    let (record, _) = record(prefix)?;
    let mut message = Cursor(record.body);
    let is_hello = record.content == content::HANDSHAKE && message.u8()? == which;
    let length = usize::from(message.u8()?) << 16 | usize::from(message.u16()?);
    // Version, random, and what a hello has to have at least; it may go on in another record.
    (is_hello && (38..=1 << 17).contains(&length)).then_some(message.0)
}

/// Bytes read one after another, as far as there are any.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.take(length).map(|_| ())
    }

    fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }
}

#[cfg(test)]
mod tests;
