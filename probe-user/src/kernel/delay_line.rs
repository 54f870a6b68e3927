//! Where packets wait: a TAP device and a thread that holds each frame until it is due.
//!
//! A TC program tags a packet with the number of its slot and redirects it to the device; the
//! thread reads it there, keeps it, replaces the tag by the way back and writes the same bytes
//! again; a TC program on the device takes the tag off and sends the packet on from where it
//! came. Nothing that belongs to the user is changed: no qdisc, no route.

mod corrupt;
mod device;
mod frame;
mod queue;
mod slots;
mod statistics;
mod userspace;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use anyhow::{Context, Result};
use aya::maps::{Array, MapData};
use probe_common::line::Way;

pub use device::Device;
pub use slots::Slots;
pub use statistics::{LineStatistics, Statistics, Waits};

use super::netns::Netns;

/// What a line shares with the thread that works it.
#[derive(Debug, Default)]
struct Control {
    /// Every packet goes on at once, until this is taken back.
    let_go: AtomicBool,
    /// The thread is to end, once it holds nothing.
    stop: AtomicBool,
    statistics: Statistics,
}

/// A running delay line of one network namespace.
#[derive(Debug)]
pub struct DelayLine {
    device: Arc<Device>,
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

impl DelayLine {
    /// Makes the device in a namespace, with room for so many frames, and starts the thread.
    ///
    /// # Errors
    /// Where /dev/net/tun is missing or the device can't be made.
    pub fn start(
        netns: &Netns,
        queue_length: u32,
        slots: Slots,
        ways: Array<MapData, Way>,
    ) -> Result<Self> {
        let device = Arc::new(netns.within(|| Device::make(queue_length))?);
        let control = Arc::<Control>::default();
        let worker = userspace::Worker::new(Arc::clone(&device), Arc::clone(&control), slots, ways);
        let thread = std::thread::Builder::new()
            .name("probe-line".into())
            .spawn(move || {
                let _ = prefer_this_thread();
                worker.run();
            })
            .context("starting the delay line's thread")?;
        Ok(Self {
            device,
            control,
            thread: Some(thread),
        })
    }

    /// Index of the device, in its namespace.
    pub fn ifindex(&self) -> u32 {
        self.device.ifindex
    }

    /// Name of the device.
    pub fn device_name(&self) -> &str {
        &self.device.name
    }

    /// Lets every waiting packet go on now, and those that still come.
    pub fn let_go(&self) {
        self.control.let_go.store(true, Ordering::Release);
        self.device.wake();
    }

    /// The same, for a thread that doesn't have the line, and doesn't keep its device from going.
    pub fn release(&self) -> impl Fn() + Send + use<> {
        let (control, device) = (Arc::downgrade(&self.control), Arc::downgrade(&self.device));
        move || {
            if let (Some(control), Some(device)) = (control.upgrade(), device.upgrade()) {
                control.let_go.store(true, Ordering::Release);
                device.wake();
            }
        }
    }

    /// Holds packets again.
    pub fn hold(&self) {
        self.control.let_go.store(false, Ordering::Release);
    }

    /// What went through so far.
    pub fn statistics(&self) -> LineStatistics {
        self.control.statistics.read()
    }
}

impl Drop for DelayLine {
    fn drop(&mut self) {
        self.control.stop.store(true, Ordering::Release);
        self.let_go();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Puts the calling thread ahead of ordinary ones, so that a busy machine doesn't make packets
/// or leases late.
///
/// # Errors
/// Where the host doesn't allow it: then they may be late.
pub fn prefer_this_thread() -> std::io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 2 };
    // SAFETY: sets the calling thread's own scheduling; the parameters are valid for the call.
    let code = unsafe {
        libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &parameters)
    };
    if code == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    ::log::debug!("no real-time scheduling: {error}");
    Err(error)
}
