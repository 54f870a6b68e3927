//! Wire protocols: what the first bytes of a request and of its answer mean. One protocol a
//! file; bytes are hostile input, so nothing here panics or allocates beyond what it is given.

pub mod dns;
pub mod http1;

/// What an answer's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The protocol's name, as in JSON.
    pub protocol: &'static str,
    /// The protocol's own status, where it has one.
    pub status: Option<u16>,
    /// Whether it says that the call failed.
    pub failed: bool,
}

/// The name of what isn't recognised.
pub const UNKNOWN: &str = "unknown";

/// Reads an answer. What no protocol recognises is an answer nonetheless, and a good one: that
/// it came is all that can be said.
pub fn answer(prefix: &[u8]) -> Answer {
    http1::answer(prefix).unwrap_or(Answer {
        protocol: UNKNOWN,
        status: None,
        failed: false,
    })
}
