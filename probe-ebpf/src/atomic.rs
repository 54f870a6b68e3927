//! Atomic addition: the BPF target has no compare-and-swap on its oldest machines, so that
//! `core::sync::atomic` offers no arithmetic there; the instruction itself exists since 5.12.

use core::intrinsics::{AtomicOrdering, atomic_xadd};

/// Adds one to a counter shared by all CPUs; gives what it was before.
///
/// # Safety
/// `counter` must be valid, aligned and changed by atomic operations only.
#[inline(always)]
pub(crate) unsafe fn fetch_increment(counter: *mut u64) -> u64 {
    // Not relaxed: LLVM 22 makes of a relaxed addition the instruction that doesn't fetch, and
    // gives the addend for what was there before.
    // SAFETY: the caller vouches for it.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(counter, 1) }
}
