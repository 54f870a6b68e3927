//! cgroup_skb: what sockets send and receive, after the sender's stack and before the
//! receiver's, so that an injected delay is part of what is seen.

use aya_ebpf::{macros::cgroup_skb, programs::SkBuffContext};
use probe_common::{address::protocol, question::DNS_PORT};
use probe_ebpf::packet::{Packet, Segment};

use crate::{
    conversation::{self, Sight},
    maps::{count, counters},
    skb::Skb,
};

/// The verdict that lets a packet go on.
const ALLOW: i32 = 1;

/// Observes what a socket sends.
#[cgroup_skb(egress)]
pub(crate) fn skb_egress_observe(ctx: SkBuffContext) -> i32 {
    try_observe(&ctx, true);
    ALLOW
}

/// Observes what a socket receives.
#[cgroup_skb(ingress)]
pub(crate) fn skb_ingress_observe(ctx: SkBuffContext) -> i32 {
    try_observe(&ctx, false);
    ALLOW
}

#[inline(always)]
fn try_observe(ctx: &SkBuffContext, outgoing: bool) {
    let skb = Skb::new(ctx.skb.skb);
    let Some(packet) = Packet::from_ip(&skb) else {
        count!(counters::observer(), unparsed);
        return;
    };
    let Some(segment) = Segment::of(&skb, &packet) else {
        if packet.protocol == protocol::UDP
            && (packet.destination_port == DNS_PORT || packet.source_port == DNS_PORT)
        {
            conversation::datagram_passed(&skb, &packet, outgoing);
        }
        return;
    };
    conversation::segment_passed(&Sight {
        skb,
        packet,
        segment,
        outgoing,
    });
}
