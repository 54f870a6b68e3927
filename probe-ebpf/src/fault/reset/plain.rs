//! The most usual of segments: in a plain frame, of a connection that both ends know. Its headers
//! are read once, and written once for either end.

use probe_common::rule::direction;
use probe_ebpf::packet::tcp_flag;

use super::{
    super::{
        Case,
        turn_back::{ADDRESSES, PORTS, exchange_ends},
    },
    ACK,
    bare::{self, folded},
};
use crate::{maps::room, skb::Skb};

/// Where in such a frame, in words of 16 bits, the fields stand that are changed or summed up.
const LENGTH: usize = 8;
const NETWORK_CHECKSUM: usize = 12;
const SEQUENCE: usize = PORTS + 2;
const ACKNOWLEDGED: usize = PORTS + 4;
const FLAGS: usize = 23;
const WINDOW: usize = 24;
const CHECKSUM: usize = 25;
const URGENT: usize = 26;
const END: usize = 27;

/// Where the flags stand in octets.
const FLAGS_AT: usize = 2 * FLAGS + 1;

/// What the network header and the TCP header take together.
const PACKET_LENGTH: u16 = 40;

/// Reads such a frame's headers up to the flags, which it gives, into this CPU's room.
#[inline(always)]
pub(super) fn read(skb: &Skb) -> Result<u8, ()> {
    let frame = &mut room::room().ok_or(())?.bytes;
    // SAFETY: the room is longer.
    unsafe { skb.load(0, frame.as_mut_ptr(), 2 * WINDOW as u32)? };
    Ok(frame[FLAGS_AT])
}

/// The flags that were read last.
#[inline(always)]
pub(super) fn flags() -> u8 {
    room::room().map_or(0, |it| it.bytes[FLAGS_AT])
}

/// Makes the frame a reset for its sender, sending one on to its receiver, out of what [`read`]
/// left. Where the two say the same of either direction, they sum the same words.
#[inline(always)]
pub(super) fn carry_out(skb: &Skb, case: &Case) -> Result<(), ()> {
    let bytes = &mut room::room().ok_or(())?.bytes;
    // SAFETY: the room is longer, and begins where words may.
    let words = unsafe { &mut *bytes.as_mut_ptr().cast::<[u16; END]>() };
    skb.cut(2 * END as u32)?;
    let was = core::mem::replace(&mut words[LENGTH], PACKET_LENGTH.to_be());
    words[NETWORK_CHECKSUM] = bare::changed(words[NETWORK_CHECKSUM], was, words[LENGTH]);
    words[FLAGS] = u16::from_ne_bytes([5 << 4, tcp_flag::RST | ACK]);
    words[WINDOW] = 0;
    words[CHECKSUM] = u16::MAX;
    words[URGENT] = 0;
    // SAFETY: from the length to the end.
    unsafe {
        let changed = words.as_ptr().add(LENGTH);
        skb.store_summed(
            2 * LENGTH as u32,
            &*changed.cast::<[u8; 2 * (END - LENGTH)]>(),
        )?;
    }
    let sum = |words: &[u16]| words.iter().map(|&it| u64::from(it)).sum::<u64>();
    let pseudo = sum(&words[ADDRESSES..PORTS]) + bare::seed();
    bare::sum_up(skb, case, folded(pseudo), folded(sum(&words[PORTS..END])))?;
    let turned = turned(words);
    skb.send_copy(case.way == direction::INGRESS, case.mark as u16)?;
    // SAFETY: as many bytes, which may lie anywhere.
    skb.store(0, unsafe { &*turned.as_ptr().cast::<[u8; 2 * FLAGS]>() })
}

/// The frame's beginning, up to the flags, which stay as they are, as it goes the other way. A copy:
/// others may be sent on while the packet is, and need the room.
#[inline(always)]
fn turned(words: &[u16; END]) -> [u16; FLAGS] {
    let mut turned = [0; FLAGS];
    turned.copy_from_slice(&words[..FLAGS]);
    exchange_ends(&mut turned);
    turned.swap(SEQUENCE, ACKNOWLEDGED);
    turned.swap(SEQUENCE + 1, ACKNOWLEDGED + 1);
    turned
}
