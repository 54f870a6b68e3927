//! DNS questions that wait for their answer, and the UDP sockets that ask.

use aya_ebpf::{macros::map, maps::LruHashMap};
use probe_common::question::{Asker, MAX_ASKERS, MAX_QUESTIONS, MOST_OPEN, Question, QuestionKey};

use crate::atomic;

#[map(name = "PROBE_ASKED")]
static ASKED: LruHashMap<QuestionKey, Question> = LruHashMap::with_max_entries(MAX_QUESTIONS, 0);
#[map(name = "PROBE_ASKERS")]
static ASKERS: LruHashMap<u64, Asker> = LruHashMap::with_max_entries(MAX_ASKERS, 0);
// From memory of the object's own: the stack hasn't room for them.
static NO_QUESTION: Question = Question::EMPTY;
static NO_ASKER: Asker = Asker::EMPTY;

#[inline(always)]
pub(crate) fn get(key: &QuestionKey) -> Option<*mut Question> {
    ASKED.get_ptr_mut(key)
}

/// A new question, of which nothing is known yet.
#[inline(always)]
pub(crate) fn begin(key: &QuestionKey) -> Option<*mut Question> {
    let _ = ASKED.insert(key, &NO_QUESTION, 0);
    ASKED.get_ptr_mut(key)
}

#[inline(always)]
pub(crate) fn forget(key: &QuestionKey) {
    let _ = ASKED.remove(key);
}

#[inline(always)]
pub(crate) fn asker(cookie: u64) -> Option<*mut Asker> {
    ASKERS.get_ptr_mut(cookie)
}

/// A socket of which nothing is known yet.
#[inline(always)]
pub(crate) fn begin_asker(cookie: u64) -> Option<*mut Asker> {
    let _ = ASKERS.insert(cookie, &NO_ASKER, 0);
    ASKERS.get_ptr_mut(cookie)
}

#[inline(always)]
pub(crate) fn forget_asker(cookie: u64) {
    let _ = ASKERS.remove(cookie);
}

/// Replaces one number among a socket's open questions by another; tells whether it was there.
#[inline(always)]
pub(crate) fn replace_open(asker: *mut Asker, was: u64, to: u64) -> bool {
    for place in 0..MOST_OPEN {
        // SAFETY: a valid pointer into the map; the word is changed by atomic operations only.
        let replaced = unsafe {
            let word = (&raw mut (*asker).open).cast::<u64>().add(place);
            core::ptr::read_volatile(word) == was && atomic::replace(word, was, to)
        };
        if replaced {
            return true;
        }
    }
    false
}
