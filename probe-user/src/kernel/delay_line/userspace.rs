//! The delay line in user space: a TAP device and a thread that holds each frame until it is due.
//!
//! A TC program tags a packet with the number of its slot and redirects it to the device; the
//! thread reads it there, keeps it, replaces the tag by the way back and writes the same bytes
//! again; a TC program on the device takes the tag off and sends the packet on from where it
//! came.

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

use super::{
    DelayBackend, LineStatistics, Slots, device::Device, prefer_this_thread,
    statistics::Statistics, worker::Worker,
};
use crate::kernel::{interfaces, netns::Netns};

/// What a line shares with the thread that works it.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// Every packet goes on at once, until this is taken back.
    pub(super) let_go: AtomicBool,
    /// The thread is to end, once it holds nothing.
    pub(super) stop: AtomicBool,
    pub(super) statistics: Statistics,
}

/// A running delay line of one network namespace.
#[derive(Debug)]
pub struct Userspace {
    netns: Netns,
    device: Arc<Device>,
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

impl Userspace {
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
        let worker = Worker::new(Arc::clone(&device), Arc::clone(&control), slots, ways);
        let thread = std::thread::Builder::new()
            .name("probe-line".into())
            .spawn(move || {
                let _ = prefer_this_thread();
                worker.run();
            })
            .context("starting the delay line's thread")?;
        Ok(Self {
            netns: netns.try_clone()?,
            device,
            control,
            thread: Some(thread),
        })
    }
}

impl DelayBackend for Userspace {
    fn ifindex(&self) -> u32 {
        self.device.ifindex
    }

    fn device_name(&self) -> &str {
        &self.device.name
    }

    fn let_go(&self) {
        self.control.let_go.store(true, Ordering::Release);
        self.device.wake();
    }

    fn release(&self) -> Option<Box<dyn Fn() + Send>> {
        let (control, device) = (Arc::downgrade(&self.control), Arc::downgrade(&self.device));
        Some(Box::new(move || {
            if let (Some(control), Some(device)) = (control.upgrade(), device.upgrade()) {
                control.let_go.store(true, Ordering::Release);
                device.wake();
            }
        }))
    }

    fn hold(&self) {
        self.control.let_go.store(false, Ordering::Release);
    }

    /// What its device had no room for counts as overflow.
    fn statistics(&self) -> LineStatistics {
        let mut statistics = self.control.statistics.read();
        let device = self.netns.within(|| interfaces::named(&self.device.name));
        if let Ok(device) = device {
            statistics.overflow += device.dropped;
        }
        statistics
    }
}

impl Drop for Userspace {
    fn drop(&mut self) {
        self.control.stop.store(true, Ordering::Release);
        self.let_go();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
