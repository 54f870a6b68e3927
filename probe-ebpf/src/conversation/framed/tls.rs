//! TLS records (RFC 8446, section 5): which of them carry what the application says. What is
//! encrypted is told by its type, its length and its place.

use probe_common::{
    flow::{Flow, state},
    framing::tls,
};

use super::{Step, begin::LONGEST_RECORD, framed, step::mark, walk_of};
use crate::{conversation::turns, maps::peers, skb::Skb};

/// Record types; alerts (21) never say anything.
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// Up to TLS 1.2 what a client ends its handshake with, encrypted, is shorter than this; a second
/// ClientHello of 1.3, which may stand in the same place, is longer.
const LONGEST_OLD_FINISHED: u32 = 128;
/// What a client of TLS 1.3 ends its handshake with: four bytes and a hash of 32 or 48, one for
/// its type and sixteen for its seal.
const FINISHED: [u32; 2] = [53, 69];
/// An alert of TLS 1.3: two bytes, one for its type and sixteen for its seal.
const ALERT: u32 = 19;

/// A record's header is there; `None` where it isn't one.
#[inline(always)]
pub(super) fn record_begins(skb: &Skb, step: &mut Step, flow: &mut Flow) -> Option<()> {
    let framed = framed(flow);
    let walk = walk_of(framed, step.outgoing != 0);
    let length = u32::from(walk.header[3]) << 8 | u32::from(walk.header[4]);
    let kind = walk.header[0];
    if walk.header[1] != 3 || length > LONGEST_RECORD {
        return None;
    }
    walk.remaining = length;
    if step.towards_server == 0 {
        if kind == APPLICATION_DATA && length != ALERT && flow.state == state::WAITING {
            turns::answered(
                step.cookie,
                flow,
                peers::figures_of(flow.peer),
                skb,
                step.end,
            );
        }
        return Some(());
    }
    match kind {
        CHANGE_CIPHER_SPEC => {
            framed.tls |= tls::CIPHER_CHANGED;
            step.marks |= mark::CHANGES_CIPHER;
        }
        HANDSHAKE if framed.tls & tls::CIPHER_CHANGED != 0 && length < LONGEST_OLD_FINISHED => {
            framed.tls |= tls::FINISHED;
        }
        APPLICATION_DATA => application_says(step, flow, length),
        _ => {}
    }
    Some(())
}

/// A client's encrypted record begins.
#[inline(always)]
fn application_says(step: &Step, flow: &mut Flow, length: u32) {
    let framed = framed(flow);
    if framed.tls & tls::FINISHED == 0 {
        if FINISHED.contains(&length) {
            framed.tls |= tls::FINISHED;
            return;
        }
        if step.marks & mark::CHANGES_CIPHER != 0 {
            // Its certificate, which stands between the two.
            return;
        }
        framed.tls |= tls::FINISHED;
    }
    if length != ALERT && flow.state != state::WAITING {
        turns::begins_to_wait(flow, peers::figures_of(flow.peer), step.now_ns);
    }
}
