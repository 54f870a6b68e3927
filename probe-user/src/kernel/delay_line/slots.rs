//! The slots that TC programs fill, mapped into this process's memory, and word to them of which
//! are free again.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result};
use aya::maps::MapData;
use probe_common::line::{ON_ITS_WAY_NS, SLOTS, Slot, read_until};

/// An array map in this process's memory; gone when dropped.
#[derive(Debug)]
struct Mapping<T> {
    start: NonNull<T>,
    length: usize,
}

// SAFETY: the mapping is memory of the process, and belongs to this value alone.
unsafe impl<T> Send for Mapping<T> {}

impl<T> Mapping<T> {
    /// Maps the first so many values of a map that has at least as many.
    fn of(data: &MapData, values: u32, protection: libc::c_int) -> Result<Self> {
        let length = values as usize * size_of::<T>();
        // SAFETY: a fresh mapping at an address of the kernel's choosing, of the length that the
        // map was made with; the kernel rounds both to pages alike.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                protection,
                libc::MAP_SHARED,
                data.fd().as_fd().as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error()).context("delay line: mapping its slots");
        }
        let start = NonNull::new(start.cast()).context("delay line: mapping its slots")?;
        Ok(Self { start, length })
    }
}

impl<T> Drop for Mapping<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping that `of` made, unmapped once.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// The slots, and until when they were read.
#[derive(Debug)]
pub struct Slots {
    slots: Mapping<Slot>,
    read_until: Mapping<AtomicU64>,
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
    pub fn map(slots: &MapData, read_until: &MapData, per_cpu: u32) -> Result<Self> {
        let both = libc::PROT_READ | libc::PROT_WRITE;
        Ok(Self {
            slots: Mapping::of(slots, SLOTS, libc::PROT_READ)?,
            read_until: Mapping::of(read_until, read_until::COUNT, both)?,
            per_cpu,
            unsaid: None,
        })
    }

    /// What stands in a slot; it may be filled again once it is said how far was read.
    pub(super) fn read(&mut self, number: u16) -> Slot {
        // SAFETY: any `u16` is below SLOTS, so the read stays in the mapping; any bit pattern is
        // a slot. The kernel wrote it before it queued the frame that brought the number here,
        // and writes it again only once it is told that it was read.
        let slot = unsafe { self.slots.start.add(usize::from(number)).read_volatile() };
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
        debug_assert!(index < read_until::COUNT, "a word of the map");
        // SAFETY: there is a word of that number in the mapping: blocks are as many at most as
        // CPUs, and EMPTY is the last. It is only ever used as an atomic here.
        let word = unsafe { self.read_until.start.add(index as usize).as_ref() };
        word.store(until_ns, Ordering::Release);
    }
}

const _: () = assert!(
    SLOTS as usize == 1 << 16,
    "slot numbers are the tag's sixteen bits"
);
