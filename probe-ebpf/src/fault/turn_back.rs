//! Turns a packet around: link-layer addresses, addresses and ports change places, so that it
//! goes back to who sent it. The checksums don't notice: they sum the same words.

use aya_ebpf::bindings::__sk_buff;

use super::{Case, reset};
use crate::skb::Skb;

/// [`Case::turned_back`] values: it goes back as it is by now, or as a reset.
pub(super) const AS_IT_IS: u32 = 1;
pub(super) const RESET: u32 = 2;

impl Case {
    /// Sends the packet back on behalf of a rule, once all have been asked.
    #[inline(always)]
    pub(super) fn turn_back(&mut self, index: u32, how: u32) {
        self.turned_back = how;
        self.acting_rule = index;
    }
}

/// Makes of the packet what its sender gets back; tells whether that could be done.
///
/// A global function, so that the verifier checks it once and by itself; and not called by those
/// that ask the rules, because there is no stack left for it there.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn probe_turn_back(raw: *mut __sk_buff, case: *const Case) -> u32 {
    let skb = Skb::new(raw);
    // SAFETY: the caller's own case; the verifier makes sure that it is one, or nothing.
    let Some(case) = (unsafe { case.as_ref() }) else {
        return 0;
    };
    let done = match case.turned_back {
        RESET => reset::carry_out(&skb, case),
        _ => turn(&skb, case),
    };
    u32::from(done.is_ok())
}

/// Turns a packet that has ports.
#[inline(never)]
pub(super) fn turn(skb: &Skb, case: &Case) -> Result<(), ()> {
    swap::<6, 12>(skb, 0)?;
    if case.v6 != 0 {
        swap::<16, 32>(skb, case.network + 8)?;
    } else {
        swap::<4, 8>(skb, case.network + 12)?;
    }
    swap::<2, 4>(skb, case.transport)
}

/// Exchanges two neighbouring fields of `HALF` bytes; `BOTH` is twice that.
#[inline(always)]
fn swap<const HALF: usize, const BOTH: usize>(skb: &Skb, at: u32) -> Result<(), ()> {
    const { assert!(BOTH == 2 * HALF) };
    let mut bytes = [0u8; BOTH];
    // SAFETY: room for both fields.
    unsafe { skb.load(at, bytes.as_mut_ptr(), BOTH as u32)? };
    // By reference: a copy is a call, and there is no stack left for it.
    let (Some(first), Some(second)) = (bytes.first_chunk::<HALF>(), bytes.last_chunk::<HALF>())
    else {
        return Err(());
    };
    skb.store(at, second)?;
    skb.store(at + HALF as u32, first)
}
