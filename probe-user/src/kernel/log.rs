//! The kernel programs' own log lines, handed to the `log` crate.

use std::time::Duration;

use aya::Ebpf;
use aya_log::EbpfLogger;

/// Reads log lines until dropped.
#[derive(Debug)]
pub struct KernelLog(tokio::task::JoinHandle<()>);

impl KernelLog {
    /// Starts reading, where anybody wants to read: `None` with logging off, or outside of a
    /// runtime, or where the programs were built without log lines.
    pub fn follow(ebpf: &mut Ebpf) -> Option<Self> {
        if ::log::max_level() < ::log::LevelFilter::Info {
            return None;
        }
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let mut logger = EbpfLogger::init(ebpf).ok()?;
        Some(Self(runtime.spawn(async move {
            loop {
                logger.flush();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })))
    }
}

impl Drop for KernelLog {
    fn drop(&mut self) {
        self.0.abort();
    }
}
