//! The turns of a conversation on one connection: when a request began, when it was answered,
//! how it ended. The observer's core; whatever the wire protocol, it sees turns; those of
//! HTTP/2's streams, and of what the application says under TLS, by the headers in between.

mod connection;
mod framed;
mod questions;
mod receipt;
mod turns;

pub(crate) use connection::{Caller, accepted, addressed, connected, connecting, gone, released};
pub(crate) use framed::Step;
pub(crate) use questions::{asking, datagram_passed, socket_gone, socket_made};
pub(crate) use turns::{Sight, segment_passed};
