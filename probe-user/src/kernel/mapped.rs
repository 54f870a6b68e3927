//! An array map in this process's memory: reading it takes no system call.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
    ptr::NonNull,
};

use anyhow::{Context, Result};
use aya::{Pod, maps::MapData};

/// A read-only view of an array that was made to be mapped, one value a slot.
#[derive(Debug)]
pub struct Mapped<T> {
    start: NonNull<T>,
    slots: usize,
}

// SAFETY: the mapping is memory of the process, read-only, and belongs to this value alone.
unsafe impl<T: Pod> Send for Mapped<T> {}

impl<T: Pod> Mapped<T> {
    /// Maps the first `slots` values of a loaded array.
    ///
    /// # Errors
    /// Where the kernel can't map arrays (before 5.5), or the array is shorter.
    pub fn map(data: &MapData, slots: usize) -> Result<Self> {
        // In an array the kernel rounds values up to words; what isn't whole ones lies elsewhere.
        const { assert!(size_of::<T>().is_multiple_of(8)) };
        // SAFETY: a fresh mapping at an address of the kernel's choosing; the kernel refuses a
        // length beyond the array's, rounded to pages.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                slots * size_of::<T>(),
                libc::PROT_READ,
                libc::MAP_SHARED,
                data.fd().as_fd().as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error()).context("mapping an array");
        }
        let start = NonNull::new(start.cast()).context("mapping an array")?;
        Ok(Self { start, slots })
    }

    /// The value of a slot; `None` beyond the last one.
    pub fn read(&self, slot: usize) -> Option<T> {
        // SAFETY: within the mapping, which is aligned to pages; any bit pattern is a value. The
        // kernel may write it meanwhile: each word by itself is read whole.
        (slot < self.slots).then(|| unsafe { self.start.add(slot).read_volatile() })
    }
}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping that `map` made, unmapped once.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.slots * size_of::<T>()) };
    }
}
