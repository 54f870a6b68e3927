//! One call on its way into the record: it gets there however the call ends, also when whoever
//! made it is gone before the answer.

use std::sync::Arc;

use super::failure::Failure;
use super::stamped::Stamps;
use super::{Answer, Role};
use crate::clock;
use crate::record::{Call, Recorder};

/// A call under way. Dropped before [`Exchange::finish`], it is recorded as abandoned.
pub(super) struct Exchange {
    from: Role,
    to: Role,
    path: String,
    begun_ns: u64,
    stamps: Option<Arc<Stamps>>,
    recorder: Recorder,
    finished: bool,
}

impl Exchange {
    /// Begins a call, before there is a connection for it.
    pub(super) fn begin(from: Role, to: Role, path: String, recorder: Recorder) -> Self {
        let begun_ns = clock::now_ns();
        Self {
            from,
            to,
            path,
            begun_ns,
            stamps: None,
            recorder,
            finished: false,
        }
    }

    /// Goes by the stamps of the connection that was found.
    pub(super) fn use_stamps(&mut self, stamps: Arc<Stamps>) {
        self.stamps = Some(stamps);
    }

    /// From just before the request was written to the answer's first bytes, or to now.
    pub(super) fn latency_ns(&self) -> u64 {
        let answered_ns = self.stamps.as_ref().and_then(|stamps| stamps.answered_ns());
        answered_ns
            .unwrap_or_else(clock::now_ns)
            .saturating_sub(self.at_ns())
    }

    /// Records how the call ended, and passes that on.
    pub(super) fn finish(mut self, result: Result<Answer, Failure>) -> Result<Answer, Failure> {
        let connecting = self.stamps.is_none();
        let result = result.map_err(|failure| match failure {
            Failure::Timeout if connecting => Failure::ConnectTimeout,
            other => other,
        });
        let (outcome, status) = match &result {
            Ok(answer) if answer.is_server_error() => ("error", Some(answer.status)),
            Ok(answer) => ("ok", Some(answer.status)),
            Err(failure) => (failure.name(), None),
        };
        self.note(outcome, status);
        result
    }

    fn at_ns(&self) -> u64 {
        let written_ns = self.stamps.as_ref().and_then(|stamps| stamps.written_ns());
        written_ns.unwrap_or(self.begun_ns)
    }

    fn note(&mut self, outcome: &'static str, status: Option<u16>) {
        self.finished = true;
        // A call that failed after the answer had begun failed when it failed, not before.
        let latency_ns = match status {
            Some(_) => self.latency_ns(),
            None => clock::now_ns().saturating_sub(self.at_ns()),
        };
        self.recorder.note(Call {
            at_ns: self.at_ns(),
            from: self.from.name(),
            to: self.to.name(),
            path: std::mem::take(&mut self.path),
            latency_ns,
            outcome,
            status,
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.finished {
            self.note("abandoned", None);
        }
    }
}
