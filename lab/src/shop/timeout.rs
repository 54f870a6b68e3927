//! Timeout: how long one attempt may take, from asking for a connection to the answer's last
//! byte. An attempt that runs out of time closes its connection: the answer to it may still come,
//! and mustn't be taken for the next one's.

use std::time::Duration;

/// The limit on one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeout {
    /// How long one attempt may take.
    pub(crate) per_attempt: Duration,
}

impl Default for Timeout {
    fn default() -> Self {
        Self {
            per_attempt: Duration::from_millis(250),
        }
    }
}
