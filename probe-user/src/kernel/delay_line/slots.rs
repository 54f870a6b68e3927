//! The slots that TC programs fill, mapped into this process's memory.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
    ptr::NonNull,
};

use anyhow::{Context, Result};
use aya::maps::MapData;
use probe_common::line::{SLOTS, Slot};

const LENGTH: usize = SLOTS as usize * size_of::<Slot>();

/// A read-only view of the slots.
#[derive(Debug)]
pub struct Slots {
    start: NonNull<Slot>,
}

// SAFETY: the mapping is memory of the process, read-only, and belongs to this value alone.
unsafe impl Send for Slots {}

impl Slots {
    /// Maps the slots of a loaded object.
    ///
    /// # Errors
    /// Where the kernel can't map arrays (before 5.5).
    pub fn map(data: &MapData) -> Result<Self> {
        // SAFETY: a fresh mapping at an address of the kernel's choosing, of the length that the
        // map was made with; the kernel rounds both to pages alike.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                LENGTH,
                libc::PROT_READ,
                libc::MAP_SHARED,
                data.fd().as_fd().as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error()).context("delay line: mapping its slots");
        }
        let start = NonNull::new(start.cast()).context("delay line: mapping its slots")?;
        Ok(Self { start })
    }

    /// What stands in a slot.
    pub fn read(&self, number: u16) -> Slot {
        // SAFETY: any `u16` is below SLOTS, so the read stays in the mapping; any bit pattern is
        // a slot. The kernel wrote it before it queued the frame that brought the number here,
        // and writes it again only after thousands more.
        unsafe { self.start.add(usize::from(number)).read_volatile() }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        // SAFETY: the mapping that `map` made, unmapped once.
        unsafe { libc::munmap(self.start.as_ptr().cast(), LENGTH) };
    }
}

const _: () = assert!(
    SLOTS as usize == 1 << 16,
    "slot numbers are the tag's sixteen bits"
);
