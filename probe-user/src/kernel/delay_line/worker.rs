//! The thread that works the line: reads what comes, keeps it, writes what is due.

use std::{collections::HashMap, sync::Arc, sync::atomic::Ordering, time::Duration};

use aya::maps::{Array, MapData};
use probe_common::line::{FLAG_CORRUPT, FLAG_INGRESS, MAX_WAYS, Slot, Way};

use super::{
    Slots, Waits, corrupt,
    device::Device,
    frame::{Frame, Pool},
    pace::Pace,
    queue::{Queue, Waiting},
    userspace::Control,
};
use crate::kernel::clock;

/// Frames read in a row before due ones get their turn.
const BATCH: usize = 64;
/// How long before a frame is due the thread stops sleeping and looks at the clock instead: a
/// sleeping thread is woken some tens of microseconds late.
const SPIN_NS: u64 = 80_000;
/// How long the thread sleeps at most.
const NAP: Duration = Duration::from_millis(100);
/// How often collected waits are handed over.
const HAND_OVER_NS: u64 = 50_000_000;

pub(super) struct Worker {
    device: Arc<Device>,
    control: Arc<Control>,
    slots: Slots,
    ways: Array<MapData, Way>,
    tags: HashMap<Way, u16>,
    /// The way back that was asked for last, and its tag.
    last_way: Option<(Way, u16)>,
    queue: Queue,
    pool: Pool,
    waits: Waits,
    pace: Pace,
    handed_over_ns: u64,
    /// When it was looked at the clock last.
    looked_ns: u64,
}

impl Worker {
    pub(super) fn new(
        device: Arc<Device>,
        control: Arc<Control>,
        slots: Slots,
        ways: Array<MapData, Way>,
    ) -> Self {
        Self {
            device,
            control,
            slots,
            ways,
            tags: HashMap::new(),
            last_way: None,
            queue: Queue::default(),
            pool: Pool::default(),
            waits: Waits::default(),
            pace: Pace::default(),
            handed_over_ns: 0,
            looked_ns: 0,
        }
    }

    /// Works until told to stop and nothing waits any more.
    pub(super) fn run(mut self) {
        loop {
            let came = self.read_batch();
            let let_go = self.control.let_go.load(Ordering::Acquire);
            let now_ns = clock::now_ns();
            self.looked_ns = now_ns;
            let went = self.release(if let_go { u64::MAX } else { now_ns });
            self.hand_over(now_ns, let_go);
            if came || went {
                continue;
            }
            if self.queue.len() == 0 && self.control.stop.load(Ordering::Acquire) {
                break;
            }
            self.rest(now_ns);
        }
        self.control.statistics.take_waits(&mut self.waits);
    }

    /// Sleeps until shortly before the next frame is due, then returns again and again; where
    /// frames are many, sleeps a little, whatever comes or is due meanwhile.
    fn rest(&self, now_ns: u64) {
        let until_due = self
            .queue
            .next_due_ns()
            .map(|due| due.saturating_sub(now_ns));
        if let Some(ns) = self.pace.nap_ns(now_ns, until_due) {
            return std::thread::sleep(Duration::from_nanos(ns));
        }
        match until_due {
            Some(ns) if ns <= SPIN_NS => std::hint::spin_loop(),
            Some(ns) => self
                .device
                .wait(NAP.min(Duration::from_nanos(ns - SPIN_NS))),
            None => self.device.wait(NAP),
        }
    }

    /// Reads up to a batch; tells whether there was anything.
    fn read_batch(&mut self) -> bool {
        let mut any = false;
        for _ in 0..BATCH {
            let device = &self.device;
            match self.pool.fill(|head, rest| device.read(head, rest)) {
                Ok(Some(frame)) => self.take_in(frame),
                Ok(None) => {
                    self.slots.say_empty(self.looked_ns);
                    break;
                }
                Err(error) => {
                    // The device is gone with its namespace, or is going: nothing to read any
                    // more, and what waits has nowhere to go.
                    log::debug!("delay line: reading: {error}");
                    self.control.let_go.store(true, Ordering::Release);
                    // Waiting for such a device ends at once, and this thread goes before others.
                    std::thread::sleep(Duration::from_millis(10));
                    break;
                }
            }
            any = true;
        }
        self.slots.say_read();
        any
    }

    fn take_in(&mut self, mut frame: Frame) {
        let Some(number) = frame.tag() else {
            self.control.statistics.count_foreign();
            return self.pool.recycle(frame);
        };
        let slot = self.slots.read(number);
        self.pace
            .note(slot.entered_ns, slot.due_ns.saturating_sub(slot.entered_ns));
        let Some(tag) = self.way_back(&slot) else {
            self.control.statistics.count_overflow();
            return self.pool.recycle(frame);
        };
        frame.set_tag(tag);
        if slot.flags & FLAG_CORRUPT == 0 {
            return self.keep(frame, &slot);
        }
        for changed in corrupt::flip_one_bit(&frame.to_vec(), u64::from(slot.random) ^ slot.due_ns)
        {
            let filled = self
                .pool
                .fill::<()>(|head, rest| Ok(Some(copy(&changed, head, rest))));
            if let Ok(Some(frame)) = filled {
                self.keep(frame, &slot);
            }
        }
        self.pool.recycle(frame);
    }

    fn keep(&mut self, frame: Frame, slot: &Slot) {
        let delayed = slot.due_ns > slot.entered_ns;
        let waiting = Waiting {
            frame,
            entered_ns: slot.entered_ns,
            due_ns: slot.due_ns,
            delayed,
        };
        if let Err(refused) = self.queue.push(waiting) {
            self.control.statistics.count_overflow();
            self.pool.recycle(refused.frame);
        }
    }

    /// The tag that leads back to where the packet came from; `None` where there are more ways
    /// than tags.
    fn way_back(&mut self, slot: &Slot) -> Option<u16> {
        let way = Way {
            ifindex: slot.ifindex,
            ingress: u32::from(slot.flags & FLAG_INGRESS != 0),
            marks: u32::from(slot.marks),
            pad: 0,
        };
        if let Some((last, tag)) = self.last_way
            && last == way
        {
            return Some(tag);
        }
        let tag = match self.tags.get(&way) {
            Some(&tag) => tag,
            None => self.new_way(way)?,
        };
        self.last_way = Some((way, tag));
        Some(tag)
    }

    fn new_way(&mut self, way: Way) -> Option<u16> {
        let tag = u16::try_from(self.tags.len() + 1).ok()?;
        if u32::from(tag) >= MAX_WAYS {
            return None;
        }
        self.ways.set(u32::from(tag), way, 0).ok()?;
        self.tags.insert(way, tag);
        Some(tag)
    }

    /// Writes what is due by then; tells whether anything was.
    fn release(&mut self, due_by_ns: u64) -> bool {
        let mut any = false;
        while let Some(waiting) = self.queue.pop_due(due_by_ns) {
            any = true;
            let (head, rest) = waiting.frame.parts();
            match self.device.write(head, rest) {
                Ok(()) => self.control.statistics.count_released(),
                Err(error) => {
                    log::debug!("delay line: writing: {error}");
                    self.control.statistics.count_failed();
                }
            }
            let went_ns = clock::now_ns();
            // One that was let go before its time says nothing about how well the line keeps it.
            if waiting.delayed && waiting.due_ns <= went_ns {
                self.waits
                    .record(waiting.entered_ns, waiting.due_ns, went_ns);
            }
            self.pool.recycle(waiting.frame);
        }
        any
    }

    fn hand_over(&mut self, now_ns: u64, at_once: bool) {
        if at_once || now_ns.saturating_sub(self.handed_over_ns) >= HAND_OVER_NS {
            self.handed_over_ns = now_ns;
            self.control.statistics.take_waits(&mut self.waits);
        }
    }
}

/// Copies bytes into two buffers in turn; tells how many.
fn copy(bytes: &[u8], head: &mut [u8], rest: &mut [u8]) -> usize {
    let (first, second) = bytes.split_at(bytes.len().min(head.len()));
    head[..first.len()].copy_from_slice(first);
    let second = &second[..second.len().min(rest.len())];
    rest[..second.len()].copy_from_slice(second);
    first.len() + second.len()
}
