//! A map in this process's memory, most often an array: reading or writing it takes no system call.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
    ptr::NonNull,
};

use anyhow::{Context, Result, bail};
use aya::{Pod, maps::Map};

/// A view of an array that was made to be mapped, one value a slot; gone when dropped.
#[derive(Debug)]
pub struct Mapped<T> {
    start: NonNull<T>,
    slots: usize,
}

// SAFETY: the mapping is memory of the process, and belongs to this value alone.
unsafe impl<T: Send> Send for Mapped<T> {}

impl<T> Mapped<T> {
    /// Maps the first `slots` values of a loaded array, to be read.
    ///
    /// # Errors
    /// Where the map isn't an array, or a shorter one, or the kernel can't map arrays (before 5.5).
    pub fn map(map: &Map, slots: usize) -> Result<Self> {
        Self::with(map, slots, libc::PROT_READ)
    }

    /// The same, to be written as well.
    ///
    /// # Errors
    /// As for [`Mapped::map`].
    pub fn map_writable(map: &Map, slots: usize) -> Result<Self> {
        Self::with(map, slots, libc::PROT_READ | libc::PROT_WRITE)
    }

    /// Maps the first value of a page of any map that lets it be read: of a ring buffer's, the first
    /// tells how far it was read, and the second how far it was filled.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn map_page(map: &impl AsFd, page: usize) -> Result<Self> {
        // SAFETY: no argument that could be wrong.
        let length = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let from = page as libc::off_t * length as libc::off_t;
        Self::anew(1, libc::PROT_READ, 0, map.as_fd().as_raw_fd(), from)
    }

    /// Memory that no map lies behind, all zero: for tests of what reads and writes an array.
    #[cfg(test)]
    pub fn anonymous(slots: usize) -> Result<Self> {
        Self::anew(
            slots,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    }

    fn with(map: &Map, slots: usize, protection: libc::c_int) -> Result<Self> {
        let Map::Array(data) = map else {
            bail!("what is to be mapped is not an array");
        };
        Self::anew(slots, protection, 0, data.fd().as_fd().as_raw_fd(), 0)
    }

    fn anew(
        slots: usize,
        protection: libc::c_int,
        flags: libc::c_int,
        descriptor: RawFd,
        from: libc::off_t,
    ) -> Result<Self> {
        // In an array the kernel rounds values up to words; what isn't whole ones lies elsewhere.
        const { assert!(size_of::<T>().is_multiple_of(8)) };
        // SAFETY: a fresh mapping at an address of the kernel's choosing; the kernel refuses a
        // length beyond the array's, rounded to pages.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                slots * size_of::<T>(),
                protection,
                libc::MAP_SHARED | flags,
                descriptor,
                from,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error()).context("mapping a map");
        }
        let start = NonNull::new(start.cast()).context("mapping a map")?;
        Ok(Self { start, slots })
    }

    /// Where a slot's value lies, aligned to words; `None` beyond the last one.
    pub fn at(&self, slot: usize) -> Option<NonNull<T>> {
        // SAFETY: within the mapping.
        (slot < self.slots).then(|| unsafe { self.start.add(slot) })
    }
}

impl<T: Pod> Mapped<T> {
    /// The value of a slot; `None` beyond the last one.
    pub fn read(&self, slot: usize) -> Option<T> {
        // SAFETY: within the mapping, which is aligned to pages; any bit pattern is a value. The
        // kernel may write it meanwhile: each word by itself is read whole.
        self.at(slot).map(|at| unsafe { at.read_volatile() })
    }
}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping that `anew` made, unmapped once.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.slots * size_of::<T>()) };
    }
}
