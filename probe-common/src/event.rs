//! Events that the observer's programs tell.
//!
//! Each begins with an [`EventHeader`]; `kind` is append-only. Decoding reads field by field
//! from bytes, so that a short or foreign buffer gives `None` and never undefined behaviour.

mod call;
mod close;
mod connect;
mod established;
mod frame;
mod greeting;
mod hello;
mod message;
mod reader;

pub use call::{ANSWER_PREFIX, CallEvent, REQUEST_PREFIX};
pub use close::{ATTEMPTED, CloseEvent, ending};
pub use connect::ConnectEvent;
pub use established::EstablishedEvent;
pub use frame::{FrameEntry, FrameEvent, FrameHead, LARGE_FRAGMENT, SMALL_FRAGMENT, frame_kind};
pub use greeting::{GREETING_PREFIX, GreetingEvent};
pub use hello::{HELLO_PREFIX, HelloEntry, HelloEvent, HelloHead};
pub use message::{MESSAGE_PREFIX, MessageEntry, MessageEvent, MessageHead};

use reader::Reader;

/// [`EventHeader::kind`] values; numbers are never used again.
pub mod kind {
    /// [`super::ConnectEvent`].
    pub const CONNECT: u16 = 1;
    /// [`super::EstablishedEvent`].
    pub const ESTABLISHED: u16 = 2;
    // 3 and 4 were a request's and an answer's, when each had an event of its own.
    /// [`super::CloseEvent`].
    pub const CLOSE: u16 = 5;
    /// [`super::CallEvent`].
    pub const CALL: u16 = 6;
    /// [`super::GreetingEvent`].
    pub const GREETING: u16 = 7;
    /// [`super::HelloEvent`].
    pub const HELLO: u16 = 8;
    /// [`super::FrameEvent`].
    pub const FRAME: u16 = 9;
    /// [`super::MessageEvent`].
    pub const MESSAGE: u16 = 10;
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

impl EventHeader {
    /// Reads what an event begins with; `None` where there is less of it.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Self::read(&mut Reader::new(bytes))
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            kind: reader.u16()?,
            length: reader.u16()?,
            peer: reader.u32()?,
            at_ns: reader.u64()?,
            cookie: reader.u64()?,
        })
    }
}

/// An event, decoded; what is of no fixed length stays where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A process is about to connect.
    Connect(ConnectEvent),
    /// A connection came to be.
    Established(EstablishedEvent),
    /// A request was answered.
    Call(CallEvent),
    /// The server spoke first.
    Greeting(GreetingEvent),
    /// A connection began with a TLS ClientHello.
    Hello(HelloEvent<'a>),
    /// A frame of HTTP/2 passed.
    Frame(FrameEvent<'a>),
    /// A DNS server's answer.
    Message(MessageEvent<'a>),
    /// A connection, or the attempt at one, ended.
    Close(CloseEvent),
}

impl<'a> Event<'a> {
    /// Decodes one event; `None` for an unknown kind or a buffer that is too short.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let header = EventHeader::read(&mut reader)?;
        if usize::from(header.length) > bytes.len() {
            return None;
        }
        match header.kind {
            kind::CONNECT => ConnectEvent::decode(header, reader).map(Self::Connect),
            kind::ESTABLISHED => EstablishedEvent::decode(header, reader).map(Self::Established),
            kind::CLOSE => CloseEvent::decode(header, reader).map(Self::Close),
            kind::CALL => CallEvent::decode(header, reader).map(Self::Call),
            kind::GREETING => GreetingEvent::decode(header, reader).map(Self::Greeting),
            kind::HELLO => HelloEvent::decode(header, reader).map(Self::Hello),
            kind::FRAME => FrameEvent::decode(header, reader).map(Self::Frame),
            kind::MESSAGE => MessageEvent::decode(header, reader).map(Self::Message),
            _ => None,
        }
    }

    /// What the event begins with.
    pub fn header(&self) -> &EventHeader {
        match self {
            Self::Connect(e) => &e.header,
            Self::Established(e) => &e.header,
            Self::Call(e) => &e.header,
            Self::Greeting(e) => &e.header,
            Self::Hello(e) => &e.head.header,
            Self::Frame(e) => &e.head.header,
            Self::Message(e) => &e.head.header,
            Self::Close(e) => &e.header,
        }
    }
}

#[cfg(test)]
mod tests;
