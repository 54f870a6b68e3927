//! Why the shop has no answer from a dependency: because the call failed, or because a pattern
//! kept it from being made.

use hyper::StatusCode;

use crate::client::Failure;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// No answer came.
    Failed(Failure),
    /// The dependency says that it failed.
    ServerError,
    /// The answer made no sense.
    Malformed,
    /// The circuit is open: not tried.
    CircuitOpen,
    /// Every place in the bulkhead is taken: not tried.
    BulkheadFull,
}

impl CallError {
    /// Whether trying again may help. After a refusal of our own it would only undo the
    /// protection that refused.
    pub(crate) fn is_worth_retrying(self) -> bool {
        !matches!(self, Self::CircuitOpen | Self::BulkheadFull)
    }

    /// What to tell a customer for whom there is no fallback.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::CircuitOpen | Self::BulkheadFull => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(_) | Self::ServerError | Self::Malformed => StatusCode::BAD_GATEWAY,
        }
    }
}
