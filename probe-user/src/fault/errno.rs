//! Errors that connect() can be made to fail with.

use super::{Argument, arguments};
use crate::mistake::Mistake;

/// An error of connect().
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// ECONNREFUSED: nobody listens.
    ConnectionRefused,
    /// ETIMEDOUT: nobody answered; here at once.
    TimedOut,
    /// EHOSTUNREACH: a router says there is no way.
    HostUnreachable,
    /// ENETUNREACH: there is no route.
    NetworkUnreachable,
    /// EADDRNOTAVAIL: no local port is left.
    AddressNotAvailable,
}

const NAMES: [(&str, Errno); 5] = [
    ("ECONNREFUSED", Errno::ConnectionRefused),
    ("ETIMEDOUT", Errno::TimedOut),
    ("EHOSTUNREACH", Errno::HostUnreachable),
    ("ENETUNREACH", Errno::NetworkUnreachable),
    ("EADDRNOTAVAIL", Errno::AddressNotAvailable),
];

/// Which error it is to be.
pub(super) const ERRNO: Argument = Argument::option(
    "errno",
    "ERRNO",
    "ETIMEDOUT",
    "what connect() fails with: ECONNREFUSED [default], ETIMEDOUT, EHOSTUNREACH, ENETUNREACH or \
     EADDRNOTAVAIL",
);

impl Errno {
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        arguments::choice(&NAMES, text)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        arguments::word(&NAMES, &self)
    }

    /// Its number, as most machines have it that Linux runs on (asm-generic).
    pub fn number(self) -> u32 {
        match self {
            Self::ConnectionRefused => 111,
            Self::TimedOut => 110,
            Self::HostUnreachable => 113,
            Self::NetworkUnreachable => 101,
            Self::AddressNotAvailable => 99,
        }
    }

    pub(super) fn of_number(number: u32) -> Option<Self> {
        let mut all = NAMES.iter().map(|(_, errno)| *errno);
        all.find(|errno| errno.number() == number)
    }

    /// As an option that is typed, with a space before it; nothing where it goes without saying.
    pub(super) fn typed(self) -> String {
        match self {
            Self::ConnectionRefused => String::new(),
            other => format!(" --{} {}", ERRNO.name, other.name()),
        }
    }
}
