//! The lab's own ground truth: one JSON line for each call that one of its processes makes.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

/// How long lines are gathered before they are written.
const GATHER: Duration = Duration::from_millis(20);

/// One call as its caller saw it at its own socket.
#[derive(Debug, Serialize)]
pub(crate) struct Call {
    /// CLOCK_MONOTONIC just before the request was written, or, if it never was, when the
    /// connection was asked for.
    pub(crate) at_ns: u64,
    /// Who called.
    pub(crate) from: &'static str,
    /// Who was called.
    pub(crate) to: &'static str,
    /// The request's path, without its query.
    pub(crate) path: String,
    /// From `at_ns` to the read that brought the answer's first bytes, or to the end of waiting.
    pub(crate) latency_ns: u64,
    /// How it ended: ok, error, timeout, connect_timeout, refused, unreachable, reset, closed or
    /// abandoned.
    pub(crate) outcome: &'static str,
    /// The answer's status, if there was one.
    pub(crate) status: Option<u16>,
}

/// Takes calls down, if anybody wanted a record. Cloning is cheap, and so is a call to
/// [`Recorder::note`]: writing happens on a thread of its own.
#[derive(Clone)]
pub(crate) struct Recorder(Option<Sender<Call>>);

impl Recorder {
    /// Notes one call.
    pub(crate) fn note(&self, call: Call) {
        if let Some(calls) = &self.0 {
            // Fails only once the writer is gone, and it has complained then.
            let _ = calls.send(call);
        }
    }
}

/// The thread that writes; it ends when every [`Recorder`] is gone.
pub(crate) struct Writer(Option<JoinHandle<()>>);

impl Writer {
    /// Waits until all that was noted is in the file.
    pub(crate) fn join(self) {
        if let Some(thread) = self.0 {
            let _ = thread.join();
        }
    }
}

/// Opens `path` for appending, if there is one. Several processes may append to the same file:
/// each write is of whole lines.
pub(crate) fn start(path: Option<&Path>, thread_name: &str) -> Result<(Recorder, Writer)> {
    let Some(path) = path else {
        return Ok((Recorder(None), Writer(None)));
    };
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .with_context(|| format!("open record {}", path.display()))?;
    let (sender, calls) = mpsc::channel();
    let name = thread_name.to_owned();
    let thread = thread::Builder::new().name(name).spawn(move || {
        if let Err(error) = write_calls(file, &calls) {
            eprintln!("error: write record: {error}");
        }
    })?;
    Ok((Recorder(Some(sender)), Writer(Some(thread))))
}

fn write_calls(mut file: impl Write, calls: &Receiver<Call>) -> std::io::Result<()> {
    let mut lines = Vec::new();
    while let Ok(first) = calls.recv() {
        thread::sleep(GATHER);
        lines.clear();
        for call in std::iter::once(first).chain(calls.try_iter()) {
            serde_json::to_writer(&mut lines, &call)?;
            lines.push(b'\n');
        }
        file.write_all(&lines)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_one_line() {
        let (sender, calls) = mpsc::channel();
        let call = Call {
            at_ns: 5,
            from: "shop",
            to: "payments",
            path: "/charge".into(),
            latency_ns: 7,
            outcome: "ok",
            status: Some(200),
        };
        sender.send(call).unwrap();
        drop(sender);
        let mut written = Vec::new();
        write_calls(&mut written, &calls).unwrap();
        let expected = r#"{"at_ns":5,"from":"shop","to":"payments","path":"/charge","latency_ns":7,"outcome":"ok","status":200}"#;
        assert_eq!(String::from_utf8(written).unwrap(), format!("{expected}\n"));
    }
}
