//! Whether a DNS message is a question, and its name one that a rule is about, whatever the case of
//! its letters.

use aya_ebpf::bindings::__sk_buff;
use probe_common::rule::MAX_NAME_PATTERN;

use crate::{
    maps::{
        plan,
        room::{self, DNS_HEADER, QUESTION_BYTES, Room},
    },
    skb::Skb,
};

/// Labels of the longest name, of one letter each (RFC 1035, section 2.3.4).
const MAX_LABELS: usize = 128;
const MAX_LABEL_LENGTH: usize = 63;
/// The longest name, its last, empty label aside.
const MAX_NAME: usize = 254;
/// What follows a name: type and class.
const TYPE_AND_CLASS: usize = 4;
/// What of the first byte of a header's flags is zero in a question: answer, kind of question,
/// authority, truncation.
const NOT_A_QUESTION: u8 = 0xfe;
/// The bit that tells small letters from large ones. Names' other characters have it as well, or
/// are not confused by it.
const SMALL: u8 = 0x20;

/// Whether the message at `at` is a well formed question, and its name fits a rule's pattern.
#[inline(always)]
pub(super) fn matches(skb: &Skb, index: u32, at: u32, packet_length: u32) -> bool {
    probe_read_question(skb.raw(), at, packet_length) != 0 && probe_fit_name(index) != 0
}

/// Reads a message, and writes the name that it asks for with dots for what separates its labels,
/// one of them in front; tells whether it is a question.
///
/// A global function, like the one below: the verifier checks each once and by itself, and what
/// it knows of where the name ends doesn't multiply what it has to follow afterwards.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_read_question(raw: *mut __sk_buff, at: u32, packet_length: u32) -> u32 {
    let Some(room) = room::room() else {
        return 0;
    };
    let length = load(&Skb::new(raw), at, packet_length, room);
    // Where it is shorter than a header, that is an earlier one's.
    if length < DNS_HEADER || !is_question(&room.header) {
        return 0;
    }
    let mut end = 0;
    for _ in 0..MAX_LABELS {
        let place = end & (QUESTION_BYTES - 1);
        let label = usize::from(room.bytes[place]);
        if label == 0 {
            room.length = end as u32;
            return u32::from(DNS_HEADER + end + 1 + TYPE_AND_CLASS <= length);
        }
        room.bytes[place] = b'.';
        end += label + 1;
        if label > MAX_LABEL_LENGTH || end > MAX_NAME {
            return 0;
        }
    }
    0
}

/// Whether a header is that of an ordinary question: one, and no answers.
#[inline(always)]
fn is_question(header: &[u8; DNS_HEADER]) -> bool {
    let counts = [
        header[4], header[5], header[6], header[7], header[8], header[9],
    ];
    header[2] & NOT_A_QUESTION == 0 && header[3] & 0x0f == 0 && counts == [0, 1, 0, 0, 0, 0]
}

/// Copies what there is of a packet from `at` on, as far as there is room; tells how much.
#[inline(always)]
fn load(skb: &Skb, at: u32, packet_length: u32, to: &mut Room) -> usize {
    const MOST: usize = DNS_HEADER + QUESTION_BYTES;
    let from_header = (&raw mut *to).wrapping_byte_add(core::mem::offset_of!(Room, header));
    let available = packet_length.saturating_sub(at);
    // SAFETY: there is room for so many bytes, header and name lying side by side.
    unsafe { skb.load_at_most::<MOST>(at, from_header.cast(), available) as usize }
}

/// Whether the name that was read fits a rule's pattern.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn probe_fit_name(index: u32) -> u32 {
    let (Some(question), Some(rule)) = (room::room(), plan::rule(index)) else {
        return 0;
    };
    let pattern = &rule.name;
    let (prefix, suffix) = (usize::from(pattern.prefix), usize::from(pattern.suffix));
    // One dot is in front.
    let length = (question.length as usize).saturating_sub(1);
    let fits = if pattern.starred == 0 {
        length == prefix
    } else {
        length >= prefix + suffix
    };
    if !fits {
        return 0;
    }
    let mut differs = 0;
    for at in 0..MAX_NAME_PATTERN {
        if at >= prefix + suffix {
            break;
        }
        let place = if at < prefix {
            1 + at
        } else {
            1 + length - suffix + (at - prefix)
        };
        let is = question.bytes[place & (QUESTION_BYTES - 1)];
        differs |= (is | SMALL) ^ (pattern.text[at] | SMALL);
    }
    u32::from(differs == 0)
}
