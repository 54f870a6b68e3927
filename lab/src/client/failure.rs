//! The ways in which a call can get no answer.

use std::error::Error;
use std::io::{self, ErrorKind};

/// Why a call got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Connected, and the answer took too long.
    Timeout,
    /// The connection took too long.
    ConnectTimeout,
    /// Nobody could say where it is.
    Unresolved,
    /// Nobody listens there.
    Refused,
    /// There is no way there.
    Unreachable,
    /// The connection was reset.
    Reset,
    /// The connection was closed before the answer was there.
    Closed,
    /// What came wasn't HTTP, or something else went wrong.
    Error,
}

impl Failure {
    /// The failure's name in the record.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::ConnectTimeout => "connect_timeout",
            Self::Unresolved => "unresolved",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Error => "error",
        }
    }

    /// Whether patience ran out, rather than something going wrong.
    pub(crate) fn is_timeout(self) -> bool {
        matches!(self, Self::Timeout | Self::ConnectTimeout)
    }

    /// What a failed connect means.
    pub(super) fn of_connect(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Self::Unreachable,
            ErrorKind::TimedOut => Self::ConnectTimeout,
            ErrorKind::ConnectionReset => Self::Reset,
            _ => Self::Error,
        }
    }

    /// What a failed exchange on a connection means.
    pub(super) fn of_exchange(error: &hyper::Error) -> Self {
        let io_kind = error
            .source()
            .and_then(|source| source.downcast_ref())
            .map(io::Error::kind);
        match io_kind {
            Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => Self::Reset,
            Some(ErrorKind::TimedOut) => Self::Timeout,
            Some(ErrorKind::UnexpectedEof) => Self::Closed,
            _ if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => {
                Self::Closed
            }
            _ => Self::Error,
        }
    }
}
