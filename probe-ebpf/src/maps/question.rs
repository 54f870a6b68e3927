//! Room for a DNS question while it is read: more than fits on the stack.

use aya_ebpf::{macros::map, maps::PerCpuArray};

/// How much of a question is read: the longest name, and what follows it, fit. A power of two.
pub(crate) const QUESTION_BYTES: usize = 512;

/// A question's name.
#[repr(C)]
pub(crate) struct Question {
    /// How long it is, the dot in front included.
    pub(crate) length: u32,
    /// The name, and what follows.
    pub(crate) bytes: [u8; QUESTION_BYTES],
}

#[map(name = "PROBE_QUESTION")]
static QUESTION: PerCpuArray<Question> = PerCpuArray::with_max_entries(1, 0);

/// This CPU's.
#[inline(always)]
pub(crate) fn room() -> Option<&'static mut Question> {
    let room = QUESTION.get_ptr_mut(0)?;
    // SAFETY: a pointer into this CPU's value; programs don't preempt each other on a CPU between
    // a question's being read and its name's being compared.
    Some(unsafe { &mut *room })
}
