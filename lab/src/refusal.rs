//! Errors that mean "this can't be asked of this host, or not like this": exit code 2 and a hint.

use std::fmt;

/// Why the lab won't begin, and what the reader can do about it.
#[derive(Debug)]
pub(crate) struct Refusal {
    message: String,
    /// What to do about it, printed on a line of its own.
    pub(crate) hint: String,
}

impl Refusal {
    /// An error of one line and its hint.
    pub(crate) fn because(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        let (message, hint) = (message.into(), hint.into());
        anyhow::Error::new(Self { message, hint })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
