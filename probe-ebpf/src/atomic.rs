//! Atomic arithmetic on map values: the BPF target has no compare-and-swap on its oldest
//! machines, so that `core::sync::atomic` offers none there; the instructions themselves exist
//! since 5.12.
//!
//! None is relaxed: LLVM 22 makes of a relaxed addition the instruction that doesn't fetch, and
//! gives the addend for what was there before.

use core::intrinsics::{AtomicOrdering, atomic_cxchg, atomic_xadd, atomic_xchg};

/// Adds to a counter shared by all CPUs; gives what it was before.
///
/// # Safety
/// `counter` must be valid, aligned and changed by atomic operations only.
#[inline(always)]
pub(crate) unsafe fn fetch_add(counter: *mut u64, by: u64) -> u64 {
    // SAFETY: the caller vouches for it.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(counter, by) }
}

/// Adds to a counter of 32 bits shared by all CPUs; gives what it was before.
///
/// # Safety
/// As for [`fetch_add`].
#[inline(always)]
pub(crate) unsafe fn fetch_add_u32(counter: *mut u32, by: u32) -> u32 {
    // SAFETY: the caller vouches for it.
    unsafe { atomic_xadd::<u32, u32, { AtomicOrdering::SeqCst }>(counter, by) }
}

/// Puts a value in the place of another; gives that.
///
/// # Safety
/// `value` must be valid and aligned.
#[inline(always)]
pub(crate) unsafe fn swap(value: *mut u64, by: u64) -> u64 {
    // SAFETY: the caller vouches for it.
    unsafe { atomic_xchg::<u64, { AtomicOrdering::SeqCst }>(value, by) }
}

/// Replaces a value, if it still is what it was thought to be; tells whether it was.
///
/// # Safety
/// As for [`fetch_add`].
#[inline(always)]
pub(crate) unsafe fn replace(value: *mut u64, was: u64, to: u64) -> bool {
    // SAFETY: the caller vouches for it.
    unsafe {
        atomic_cxchg::<u64, { AtomicOrdering::SeqCst }, { AtomicOrdering::SeqCst }>(value, was, to)
    }
    .1
}

/// Replaces a value of 32 bits, if it still is what it was thought to be; tells whether it was.
///
/// # Safety
/// As for [`fetch_add`].
#[inline(always)]
pub(crate) unsafe fn replace_u32(value: *mut u32, was: u32, to: u32) -> bool {
    // SAFETY: the caller vouches for it.
    unsafe {
        atomic_cxchg::<u32, { AtomicOrdering::SeqCst }, { AtomicOrdering::SeqCst }>(value, was, to)
    }
    .1
}
