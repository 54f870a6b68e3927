//! The end of standard input as something to wait for: the sign for a process to stop.

use std::io::{ErrorKind, Read};
use std::{io, thread};

use anyhow::{Result, bail};
use tokio::sync::watch;

/// Resolves once standard input has ended. Whatever is read from it before is thrown away.
#[derive(Clone)]
pub(crate) struct Lifeline(watch::Receiver<()>);

impl Lifeline {
    /// Starts to watch, on a thread named `thread_name`: a blocked read would keep a runtime from
    /// ending, but not a process.
    pub(crate) fn watch_stdin(thread_name: &str) -> io::Result<Self> {
        let (alive, cut) = watch::channel(());
        thread::Builder::new()
            .name(thread_name.to_owned())
            .spawn(move || {
                let mut ignored = [0; 256];
                loop {
                    match io::stdin().read(&mut ignored) {
                        Ok(0) => break,
                        Err(error) if error.kind() != ErrorKind::Interrupted => break,
                        _ => {}
                    }
                }
                drop(alive);
            })?;
        Ok(Self(cut))
    }

    /// Waits for `work`, unless the end comes first.
    pub(crate) async fn unless_cut<T>(
        &mut self,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            result = work => result,
            () = self.cut() => bail!("stopped while starting"),
        }
    }

    /// Waits for the end.
    pub(crate) async fn cut(&mut self) {
        // Nothing is ever sent: this returns when the thread is done.
        while self.0.changed().await.is_ok() {}
    }
}
