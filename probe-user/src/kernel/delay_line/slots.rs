//! The slots that TC programs fill, mapped into this process's memory, and word to them of which
//! are free again.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use aya::maps::Map;
use probe_common::line::{ON_ITS_WAY_NS, SLOTS, Slot, read_until};

use crate::kernel::mapped::Mapped;

/// The slots, and until when they were read.
#[derive(Debug)]
pub struct Slots {
    slots: Mapped<Slot>,
    read_until: Mapped<AtomicU64>,
    per_cpu: u32,
    /// The block of the slot read last, and when its packet came; not said yet.
    unsaid: Option<(u32, u64)>,
}

impl Slots {
    /// Maps the slots of a loaded object, of which each CPU has so many, and where it looks for
    /// what was read.
    ///
    /// # Errors
    /// Where the kernel can't map arrays (before 5.5).
    pub fn map(slots: &Map, read_until: &Map, per_cpu: u32) -> Result<Self> {
        let mapped = || -> Result<_> {
            let read_until = Mapped::map_writable(read_until, read_until::COUNT as usize)?;
            Ok((Mapped::map(slots, SLOTS as usize)?, read_until))
        };
        let (slots, read_until) = mapped().context("delay line: mapping its slots")?;
        Ok(Self {
            slots,
            read_until,
            per_cpu,
            unsaid: None,
        })
    }

    /// What stands in a slot; it may be filled again once it is said how far was read.
    pub(super) fn read(&mut self, number: u16) -> Slot {
        // The kernel wrote it before it queued the frame that brought the number here, and writes
        // it again only once it is told that it was read.
        let slot = self.slots.read(usize::from(number)).unwrap_or_default();
        let block = u32::from(number) / self.per_cpu;
        if self.unsaid.is_some_and(|(unsaid, _)| unsaid != block) {
            self.say_read();
        }
        self.unsaid = Some((block, slot.entered_ns));
        slot
    }

    /// Says how far was read, once for many slots: each CPU looks at it for each packet.
    pub(super) fn say_read(&mut self) {
        if let Some((block, entered_ns)) = self.unsaid.take() {
            self.say(read_until::BLOCK + block, entered_ns);
        }
    }

    /// Says that there was nothing to read at some time.
    pub(super) fn say_empty(&self, at_ns: u64) {
        self.say(read_until::EMPTY, at_ns.saturating_sub(ON_ITS_WAY_NS));
    }

    fn say(&self, index: u32, until_ns: u64) {
        let Some(word) = self.read_until.at(index as usize) else {
            debug_assert!(
                false,
                "blocks are as many at most as CPUs, and EMPTY is the last"
            );
            return;
        };
        // SAFETY: within the mapping; it is only ever used as an atomic here.
        let word = unsafe { word.as_ref() };
        word.store(until_ns, Ordering::Release);
    }
}

const _: () = assert!(
    SLOTS as usize == 1 << 16,
    "slot numbers are the tag's sixteen bits"
);
