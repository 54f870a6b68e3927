//! Turns a packet around: link-layer addresses, addresses and ports change places, so that it
//! goes back to who sent it. The checksums don't notice: they sum the same words.

use aya_ebpf::bindings::__sk_buff;

use super::{Case, dns, reset};
use crate::{maps::room, skb::Skb};

/// [`Case::turned_back`] values: it goes back as an answer, or as a reset.
pub(super) const ANSWER: u32 = 1;
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
        _ => dns::carry_out(&skb, case),
    };
    u32::from(done.is_ok())
}

/// Two IPv6 addresses, the most that is exchanged at once, in words of 16 bits. The stack has no
/// room for their ports as well.
const MOST: usize = 16;

/// Turns a packet that has ports.
#[inline(never)]
pub(super) fn turn(skb: &Skb, case: &Case) -> Result<(), ()> {
    if is_plain(case) {
        return turn_plain::<PLAIN_BYTES>(skb, |_| ());
    }
    // One room for all, for the same reason.
    let words = &mut [0u16; MOST];
    exchange::<12>(skb, words, 0, 3)?;
    let addresses = case.network + if case.v6 != 0 { 8 } else { 12 };
    if case.v6 != 0 {
        exchange::<32>(skb, words, addresses, 8)?;
    } else {
        exchange::<8>(skb, words, addresses, 2)?;
    }
    exchange::<4>(skb, words, case.transport, 1)
}

/// Where a plain frame, of IPv4 with neither tag nor options, has its headers.
const PLAIN_NETWORK: u32 = 14;
pub(super) const PLAIN_TRANSPORT: u32 = PLAIN_NETWORK + 20;
/// All that is exchanged in it lies in so many bytes.
const PLAIN_BYTES: usize = PLAIN_TRANSPORT as usize + 4;
/// Where its addresses and its ports stand, in words of 16 bits.
pub(super) const ADDRESSES: usize = (PLAIN_TRANSPORT as usize - 8) / 2;
pub(super) const PORTS: usize = PLAIN_TRANSPORT as usize / 2;

#[inline(always)]
pub(super) fn is_plain(case: &Case) -> bool {
    case.v6 == 0 && case.network == PLAIN_NETWORK && case.transport == PLAIN_TRANSPORT
}

/// Turns such a frame with one reading and one writing of its first bytes, and changes what else
/// of them there is to.
#[inline(always)]
pub(super) fn turn_plain<const BYTES: usize>(
    skb: &Skb,
    change: impl FnOnce(&mut [u8; BYTES]),
) -> Result<(), ()> {
    const { assert!(BYTES >= PLAIN_BYTES && BYTES <= room::QUESTION_BYTES) };
    let room = room::room().ok_or(())?;
    let frame = room.bytes.as_mut_ptr();
    // SAFETY: the room is longer than what is read, and begins where words may.
    unsafe {
        skb.load(0, frame, BYTES as u32)?;
        exchange_ends(&mut *frame.cast::<[u16; PLAIN_BYTES / 2]>());
        let frame = &mut *frame.cast::<[u8; BYTES]>();
        change(frame);
        skb.store(0, frame)
    }
}

/// Exchanges link-layer addresses, addresses and ports of such a frame's first words.
#[inline(always)]
pub(super) fn exchange_ends<const WORDS: usize>(frame: &mut [u16; WORDS]) {
    const { assert!(WORDS >= PLAIN_BYTES / 2) };
    for (field, length) in [(0, 3), (ADDRESSES, 2), (PORTS, 1)] {
        for word in field..field + length {
            frame.swap(word, word + length);
        }
    }
}

/// Exchanges two neighbouring fields of `half` words each; `BYTES` is both.
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
    // SAFETY: as many bytes of them, which may lie anywhere.
    skb.store(at, unsafe { &*words.as_ptr().cast::<[u8; BYTES]>() })
}
