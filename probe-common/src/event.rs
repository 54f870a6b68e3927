//! Events that the observer sends through the ring buffer.
//!
//! Each begins with an [`EventHeader`]; `kind` is append-only. Decoding reads field by field
//! from bytes, so that a short or foreign buffer gives `None` and never undefined behaviour.

mod answer;
mod close;
mod connect;
mod established;
mod reader;
mod request;

pub use answer::{ANSWER_PREFIX, AnswerEvent};
pub use close::{CloseEvent, ending};
pub use connect::ConnectEvent;
pub use established::EstablishedEvent;
pub use request::{REQUEST_PREFIX, RequestEvent};

use reader::Reader;

/// [`EventHeader::kind`] values; numbers are never used again.
pub mod kind {
    /// [`super::ConnectEvent`].
    pub const CONNECT: u16 = 1;
    /// [`super::EstablishedEvent`].
    pub const ESTABLISHED: u16 = 2;
    /// [`super::RequestEvent`].
    pub const REQUEST: u16 = 3;
    /// [`super::AnswerEvent`].
    pub const ANSWER: u16 = 4;
    /// [`super::CloseEvent`].
    pub const CLOSE: u16 = 5;
}

/// What every event begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventHeader {
    /// One of [`kind`].
    pub kind: u16,
    /// Length of the whole event in bytes.
    pub length: u16,
    /// Handle of the peer's slot, see [`crate::peer`]; 0 where it found none.
    pub peer: u32,
    /// CLOCK_MONOTONIC when it happened.
    pub at_ns: u64,
    /// Cookie of the socket.
    pub cookie: u64,
}

const _: () = assert!(size_of::<EventHeader>() == 24);

/// An event, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process is about to connect.
    Connect(ConnectEvent),
    /// A connection came to be.
    Established(EstablishedEvent),
    /// A request's first byte passed.
    Request(RequestEvent),
    /// An answer's first byte passed.
    Answer(AnswerEvent),
    /// A connection, or the attempt at one, ended.
    Close(CloseEvent),
}

impl Event {
    /// Decodes one event; `None` for an unknown kind or a buffer that is too short.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let header = EventHeader {
            kind: reader.u16()?,
            length: reader.u16()?,
            peer: reader.u32()?,
            at_ns: reader.u64()?,
            cookie: reader.u64()?,
        };
        if usize::from(header.length) > bytes.len() {
            return None;
        }
        match header.kind {
            kind::CONNECT => ConnectEvent::decode(header, reader).map(Self::Connect),
            kind::ESTABLISHED => EstablishedEvent::decode(header, reader).map(Self::Established),
            kind::REQUEST => RequestEvent::decode(header, reader).map(Self::Request),
            kind::ANSWER => AnswerEvent::decode(header, reader).map(Self::Answer),
            kind::CLOSE => CloseEvent::decode(header, reader).map(Self::Close),
            _ => None,
        }
    }

    /// What the event begins with.
    pub fn header(&self) -> &EventHeader {
        match self {
            Self::Connect(e) => &e.header,
            Self::Established(e) => &e.header,
            Self::Request(e) => &e.header,
            Self::Answer(e) => &e.header,
            Self::Close(e) => &e.header,
        }
    }
}

#[cfg(test)]
mod tests;
