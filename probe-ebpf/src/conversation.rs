//! The turns of a conversation on one connection: when a request began, when it was answered,
//! how it ended. The observer's core; whatever the wire protocol, it sees turns.

mod connection;
mod turns;

pub(crate) use connection::{Caller, accepted, connected, connecting, gone};
pub(crate) use turns::{Sight, segment_passed};
