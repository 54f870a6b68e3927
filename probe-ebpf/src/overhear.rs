//! Overhears DNS answers over UDP: which addresses applications are told for which names.

use probe_common::{address::protocol, overheard::MESSAGE_LENGTH};
use probe_ebpf::packet::Packet;

use crate::{
    maps::{count, counters, overheard},
    skb::Skb,
};

/// Where DNS servers answer from.
const PORT: u16 = 53;
const UDP_HEADER: u32 = 8;
/// Submits without waking user space, which comes by of its own accord.
const BPF_RB_NO_WAKEUP: u64 = 1;

/// Hands a packet's payload to user space where it is an answer.
#[inline(always)]
pub(crate) fn answer(skb: &Skb, packet: &Packet) {
    let is_answer = packet.protocol == protocol::UDP && packet.source_port == PORT;
    if !is_answer || packet.later_fragment {
        return;
    }
    let Some(mut entry) = overheard::reserve() else {
        count!(counters::injector(), unheard);
        return;
    };
    let message = entry.as_mut_ptr();
    let payload = u32::from(packet.transport) + UDP_HEADER;
    // SAFETY: `message` points at room for one in the ring.
    unsafe {
        let to = (&raw mut (*message).bytes).cast();
        (*message).length = skb.load_up_to::<MESSAGE_LENGTH>(payload, to);
    }
    entry.submit(BPF_RB_NO_WAKEUP);
}
