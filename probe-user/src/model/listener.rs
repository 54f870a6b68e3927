//! A port that somebody listens on, called or not.

use std::net::{IpAddr, SocketAddr};

use super::Process;

/// One listening TCP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Cookie of its network namespace; 0 where it isn't known.
    pub netns_cookie: u64,
    /// How to name that namespace to probe; `None` for the one probe was started in.
    pub netns: Option<String>,
    /// Where it is bound.
    pub address: SocketAddr,
    /// Addresses at which others reach it.
    pub addresses: Vec<IpAddr>,
    /// Process id of who listens; the lowest one where several do.
    pub pid: u32,
    /// Who that is.
    pub process: Process,
}
