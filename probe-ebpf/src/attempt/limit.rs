//! How many connections are open at once. Each counts once a rule, from connect() to the close
//! of its socket, whatever became of it in between.

use probe_common::rule::{CountedKey, FaultRule};

use crate::{
    atomic,
    maps::{counted, plan},
};

/// Lets a connection count, and tells whether it is one too many: then it doesn't count. With
/// `is_held_to_it` unset it always may.
#[inline(always)]
pub(super) fn exceeds(index: u32, rule: &FaultRule, cookie: u64, is_held_to_it: bool) -> bool {
    let key = key(index, cookie);
    let Some(open) = open(index) else {
        return false;
    };
    // Asked to connect again, it is the same connection. Without room it goes uncounted.
    if counted::has(&key) || !counted::add(&key) {
        return false;
    }
    // SAFETY: a valid pointer into the map, changed by atomic operations only.
    let before = unsafe { atomic::fetch_add(open, 1) };
    let others = before.wrapping_add(rule.seeded) as i64;
    if !is_held_to_it || others < rule.limit as i64 {
        return false;
    }
    close(index, cookie);
    true
}

/// Lets a connection count that was one too many, and is let in all the same.
#[inline(always)]
pub(super) fn let_in(index: u32, cookie: u64) {
    if let Some(open) = open(index)
        && counted::add(&key(index, cookie))
    {
        // SAFETY: as above.
        unsafe { atomic::fetch_add(open, 1) };
    }
}

/// Lets a connection count no more, if it did.
#[inline(always)]
pub(super) fn close(index: u32, cookie: u64) {
    if counted::remove(&key(index, cookie))
        && let Some(open) = open(index)
    {
        // SAFETY: as above.
        unsafe { atomic::fetch_add(open, u64::MAX) };
    }
}

#[inline(always)]
fn open(index: u32) -> Option<*mut u64> {
    let state = plan::state(index)?;
    // SAFETY: a valid pointer into the map.
    Some(unsafe { &raw mut (*state).open })
}

#[inline(always)]
fn key(index: u32, cookie: u64) -> CountedKey {
    CountedKey {
        cookie,
        rule: index,
        pad: 0,
    }
}
