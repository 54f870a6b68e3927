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

/// Two IPv6 addresses, the most that is exchanged at once, in words of 16 bits. The stack has no
/// room for their ports as well.
const MOST: usize = 16;

/// Turns a packet that has ports.
#[inline(never)]
pub(super) fn turn(skb: &Skb, case: &Case) -> Result<(), ()> {
    // One room for all, for the same reason.
    let words = &mut [0u16; MOST];
    exchange::<12>(skb, words, 0, 3)?;
    let addresses = case.network + if case.v6 != 0 { 8 } else { 12 };
    if case.v6 != 0 {
        exchange::<32>(skb, words, addresses, 8)?;
    } else if case.transport == addresses + 8 {
        // No options: what is read and written together is two calls less.
        return exchange::<12>(skb, words, addresses, 2);
    } else {
        exchange::<8>(skb, words, addresses, 2)?;
    }
    exchange::<4>(skb, words, case.transport, 1)
}

/// Exchanges two neighbouring fields of `half` words each, and two ports where they follow:
/// `BYTES` is all of it.
#[inline(always)]
fn exchange<const BYTES: usize>(
    skb: &Skb,
    words: &mut [u16; MOST],
    at: u32,
    half: usize,
) -> Result<(), ()> {
    const { assert!(BYTES <= 2 * MOST) };
    // SAFETY: room for as many bytes.
    unsafe { skb.load(at, words.as_mut_ptr().cast(), BYTES as u32)? };
    for word in 0..half {
        words.swap(word, half + word);
    }
    if BYTES > 4 * half {
        words.swap(2 * half, 2 * half + 1);
    }
    // SAFETY: as many bytes of them, which may lie anywhere.
    skb.store(at, unsafe { &*words.as_ptr().cast::<[u8; BYTES]>() })
}
