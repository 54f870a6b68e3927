//! Header fields by what they mean here; most mean nothing.

use super::super::http1;
use super::text::Text;

/// Names that mean something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Name {
    /// Any other.
    #[default]
    Other,
    Method,
    Path,
    Status,
    ContentType,
    GrpcStatus,
}

impl Name {
    fn of(name: &Text) -> Self {
        match name.whole() {
            Some(b":method") => Self::Method,
            Some(b":path") => Self::Path,
            Some(b":status") => Self::Status,
            Some(b"content-type") => Self::ContentType,
            Some(b"grpc-status") => Self::GrpcStatus,
            _ => Self::Other,
        }
    }
}

/// A field's name: what it means, and how long it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: Name,
    pub(super) length: u32,
}

impl Named {
    pub(super) fn of(name: &Text) -> Self {
        Self {
            name: Name::of(name),
            length: name.length(),
        }
    }
}

/// A field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) named: Named,
    /// What its value means: a hash of a method or path, the number of a status, 1 for content
    /// that is gRPC's. `None` where it means nothing.
    pub(super) value: Option<u64>,
    /// What it counts for in a table of fields (RFC 7541, 4.1).
    pub(super) size: u32,
}

impl Field {
    pub(super) fn new(named: Named, value: &Text) -> Self {
        let meaning = match named.name {
            Name::Other => None,
            Name::Method | Name::Path => Some(value.fingerprint()),
            Name::Status => value.whole().and_then(http1::status).map(u64::from),
            Name::ContentType => is_grpc(value.start()).then_some(1),
            Name::GrpcStatus => value.whole().and_then(number).map(u64::from),
        };
        Self {
            named,
            value: meaning,
            size: named
                .length
                .saturating_add(value.length())
                .saturating_add(32),
        }
    }
}

/// `application/grpc`, and with what it is encoded in.
fn is_grpc(content_type: &[u8]) -> bool {
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|it| matches!(it.first(), None | Some(b'+' | b';')))
}

/// A number of at most three digits.
fn number(digits: &[u8]) -> Option<u16> {
    let is_number = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let add = |value, digit: &u8| value * 10 + u16::from(digit - b'0');
    is_number.then(|| digits.iter().fold(0, add))
}
