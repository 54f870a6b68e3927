//! A TCP stream that notes when a request's first byte went in and its answer's first byte came
//! out: as close to the socket as a program gets without asking the kernel.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::clock;

/// When the exchange under way was written and answered, in CLOCK_MONOTONIC; zero is "not yet".
#[derive(Default)]
pub(crate) struct Stamps {
    written_ns: AtomicU64,
    answered_ns: AtomicU64,
}

impl Stamps {
    /// Forgets the exchange before.
    pub(crate) fn arm(&self) {
        self.written_ns.store(0, Relaxed);
        self.answered_ns.store(0, Relaxed);
    }

    /// Just before the request's first byte went to the kernel.
    pub(crate) fn written_ns(&self) -> Option<u64> {
        Some(self.written_ns.load(Relaxed)).filter(|at| *at != 0)
    }

    /// Just after the answer's first byte came from the kernel.
    pub(crate) fn answered_ns(&self) -> Option<u64> {
        Some(self.answered_ns.load(Relaxed)).filter(|at| *at != 0)
    }

    fn about_to_write(&self) {
        if self.written_ns.load(Relaxed) == 0 {
            self.written_ns.store(clock::now_ns(), Relaxed);
        }
    }

    fn has_read(&self) {
        if self.written_ns.load(Relaxed) != 0 && self.answered_ns.load(Relaxed) == 0 {
            self.answered_ns.store(clock::now_ns(), Relaxed);
        }
    }
}

/// A stream and its stamps.
pub(super) struct Stamped {
    stream: TcpStream,
    stamps: Arc<Stamps>,
}

impl Stamped {
    /// Stamps what goes over `stream`.
    pub(super) fn new(stream: TcpStream, stamps: Arc<Stamps>) -> Self {
        Self { stream, stamps }
    }
}

impl AsyncRead for Stamped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.stamps.has_read();
        }
        result
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stamps.about_to_write();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stamps.about_to_write();
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
