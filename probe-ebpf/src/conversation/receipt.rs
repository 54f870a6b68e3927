//! One segment of a connection at a time, of those that come in.
//!
//! What goes out is sent under the socket's own lock. What comes in is shown to the programs before
//! that lock is taken: where a sender moved from one CPU to another, two of its segments may be on
//! their way through the receiving side at once, and would each go on from where the other one
//! hadn't left off yet.

use core::ptr;

use probe_common::flow::Flow;

use crate::atomic;

/// How often a segment looks whether the one before it is done, this many times this many times
/// this many: for 0.3 to 1 ms, at 1 to 4 ns each. A walk past a hundred frames takes some 30 µs,
/// and a virtual machine's processor may stand still meanwhile.
const LOOKS: u32 = 64;

/// Waits until no other segment of the connection is looked at; tells whether it is this one's
/// turn now, to be given back by [`over`]. Where waiting was in vain it goes ahead all the same:
/// calls may be missed then, to the connection's end, but no packet waits for ever.
#[inline(always)]
pub(super) fn begin(flow: *mut Flow) -> bool {
    if is_ours(flow) {
        return true;
    }
    for _ in 0..LOOKS {
        if probe_await_long(flow) != 0 {
            return true;
        }
    }
    false
}

/// The next one may.
#[inline(always)]
pub(super) fn over(flow: *mut Flow) {
    // SAFETY: the word is valid as long as the map's value is, and changed by atomic operations
    // only; where the value was given to another connection meanwhile, that one's is free as well.
    unsafe { atomic::replace_u32(receiving(flow), 1, 0) };
}

/// Looks for long; other than zero where it is this segment's turn. Global functions, this and the
/// next, so that the verifier follows their looks once and not once a round.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_await_long(flow: *mut Flow) -> u32 {
    if flow.is_null() {
        return 0;
    }
    for _ in 0..LOOKS {
        if probe_await(flow) != 0 {
            return 1;
        }
    }
    0
}

/// Looks a while.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_await(flow: *mut Flow) -> u32 {
    if flow.is_null() {
        return 0;
    }
    for _ in 0..LOOKS {
        // SAFETY: the caller's own; the verifier makes sure that it is what it says, or nothing.
        let busy = unsafe { ptr::read_volatile(receiving(flow)) } != 0;
        if !busy && is_ours(flow) {
            return 1;
        }
    }
    0
}

#[inline(always)]
fn is_ours(flow: *mut Flow) -> bool {
    // SAFETY: as in [`over`].
    unsafe { atomic::replace_u32(receiving(flow), 0, 1) }
}

#[inline(always)]
fn receiving(flow: *mut Flow) -> *mut u32 {
    // SAFETY: no more than an address is made of it.
    unsafe { &raw mut (*flow).receiving }
}
