//! Which connections' bytes are divided, told by the first of them.

use probe_common::{
    flow::{Flow, flag, framing, state},
    framing::{Framed, HTTP2_PREFACE, tls},
};
use probe_ebpf::packet::Source;

use super::{framed, walk_of};
use crate::{
    conversation::turns::Sight,
    emit::{self, Subject},
    skb::Skb,
};

/// Type of a record that carries what the application says.
const APPLICATION_DATA: u8 = 23;
/// Type of a record of the handshake, and that of a ClientHello within.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// Longest record there is, and what encryption may add.
pub(super) const LONGEST_RECORD: u32 = 16_384 + 256;
/// Frames are no longer than this unless both sides agreed on more.
const LONGEST_FRAME: u32 = 16_384;
/// Frame types in use (RFC 9113, and RFC 7838's, 8336's and 9218's).
const LAST_FRAME_TYPE: u8 = 16;
/// How a client of HTTP/2 begins.
const PREFACE: [u8; 16] = *b"PRI * HTTP/2.0\r\n";
/// No frame: what the preface is taken for while it passes.
const NO_FRAME: u8 = 254;

/// Looks whether the caller's first bytes, or those after an upgrade, begin a division; tells so.
#[inline(always)]
pub(crate) fn recognised(cookie: u64, flow: &mut Flow, sight: &Sight, payload: u32) -> bool {
    if flow.requests > 1 {
        return false;
    }
    let Some(bytes) = sight.skb.copy::<16>(payload as usize) else {
        return false;
    };
    if bytes == PREFACE {
        become_http2(flow, sight.outgoing);
        return true;
    }
    if bytes[1] != 3 || bytes[2] > 4 {
        return false;
    }
    let hello = bytes[0] == HANDSHAKE && bytes[5] == CLIENT_HELLO;
    // In the middle of a connection that was there before.
    let found = bytes[0] == APPLICATION_DATA && flow.flags & flag::FOUND != 0;
    if hello || found {
        flow.framing = framing::TLS;
        flow.request_length = 0;
        flow.state = state::IDLE;
        *framed(flow) = Framed::default();
        if found {
            let framed = framed(flow);
            framed.tls = tls::FINISHED;
            // Where the server's records begin isn't known.
            walk_of(framed, !sight.outgoing).lost = 1;
        } else {
            let subject = Subject::now(cookie, flow.peer);
            emit::hello(subject, flow, &sight.skb, payload);
        }
    }
    hello || found
}

#[inline(always)]
fn become_http2(flow: &mut Flow, client_is_near: bool) {
    let upgraded = flow.requests > 0;
    flow.framing = framing::HTTP2;
    flow.request_length = 0;
    flow.state = state::IDLE;
    let framed = framed(flow);
    *framed = Framed::default();
    let (client, server) = if client_is_near {
        (&mut framed.out, &mut framed.into)
    } else {
        (&mut framed.into, &mut framed.out)
    };
    client.remaining = HTTP2_PREFACE;
    client.held = 9;
    client.header[3] = NO_FRAME;
    // What else came with the consent to an upgrade isn't known.
    server.lost = u8::from(upgraded);
}

/// Takes a connection for HTTP/2 if what the server said first is its settings; tells so.
#[inline(always)]
pub(crate) fn is_settings(flow: &mut Flow, sight: &Sight, payload: u32) -> bool {
    const SETTINGS: u8 = 4;
    let Some(bytes) = sight.skb.copy::<9>(payload as usize) else {
        return false;
    };
    let settings = bytes[0] == 0 && bytes[3] == SETTINGS && bytes[4] == 0;
    if !settings || bytes[2] % 6 != 0 || bytes[5..] != [0; 4] {
        return false;
    }
    become_http2(flow, !sight.outgoing);
    true
}

/// Whether a segment looks as if it began with a header.
#[inline(always)]
pub(super) fn is_plausible(kind: u8, skb: &Skb, at: u32) -> bool {
    let Some(bytes) = skb.copy::<9>(at as usize) else {
        return false;
    };
    if kind == framing::TLS {
        let length = u32::from(bytes[3]) << 8 | u32::from(bytes[4]);
        return bytes[0] >= 20 && bytes[0] <= 23 && bytes[1] == 3 && length <= LONGEST_RECORD;
    }
    let length = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
    length <= LONGEST_FRAME && bytes[3] <= LAST_FRAME_TYPE && bytes[5] == 0
}
