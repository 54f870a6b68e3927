//! How a message begins: its header, and the question in it.

use super::super::{Answer, Kind, Protocol, Request, fingerprint};

/// Number, flags, and how many questions, answers, authorities and others there are.
const HEADER: usize = 12;
/// Longest label, and longest name with the lengths of its labels.
const LONGEST_LABEL: u8 = 63;
const LONGEST_NAME: usize = 255;
/// In the flags: this is an answer.
const ANSWER: u16 = 0x8000;
/// Flags that a plain question may have: recursion desired, authentic data, checking disabled.
const ASKING: u16 = 0x0130;
/// Classes: the Internet, Chaos (which knows a server's version), any.
const CLASSES: [u16; 3] = [1, 3, 255];

/// What answers say of themselves in four bits: those by which a server says that it couldn't, or
/// wouldn't. That there is no such name is an answer.
mod rcode {
    pub(super) const FORMAT_ERROR: u16 = 1;
    pub(super) const SERVER_FAILURE: u16 = 2;
    pub(super) const NOT_IMPLEMENTED: u16 = 4;
    pub(super) const REFUSED: u16 = 5;
}

/// A message from its header on, as far as it is there.
struct Message<'a> {
    flags: u16,
    /// Questions, answers, authorities, others.
    counts: [u16; 4],
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message as it is.
    fn bare(bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_first_chunk::<HEADER>()?;
        let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        Some(Self {
            flags: word(2),
            counts: [word(4), word(6), word(8), word(10)],
            body,
        })
    }

    /// Reads a message with its length before it.
    fn counted(bytes: &'a [u8]) -> Option<Self> {
        let (length, message) = bytes.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let message = &message[..message.len().min(length)];
        Self::bare(message)
    }

    /// Reads a message either way: the one of the two for which it can be what it is asked to be.
    fn of(bytes: &'a [u8], is_it: fn(&Self) -> bool) -> Option<Self> {
        let bare = Self::bare(bytes).filter(is_it);
        bare.or_else(|| Self::counted(bytes).filter(is_it))
    }

    fn is_asking(&self) -> bool {
        self.flags & ANSWER == 0 && self.counts[0] == 1
    }

    fn is_answering(&self) -> bool {
        self.flags & ANSWER != 0 && self.counts[0] <= 1
    }

    /// A question as resolvers put it, and nothing else (RFC 1035, 4.1.1; one record of EDNS,
    /// and one that signs).
    fn is_plain_question(&self) -> bool {
        let [questions, answers, authorities, others] = self.counts;
        let counts = questions == 1 && answers == 0 && authorities == 0 && others <= 2;
        counts && self.flags & !ASKING == 0
    }
}

/// Whether a question begins here.
pub fn is_question(prefix: &[u8]) -> bool {
    Message::of(prefix, Message::is_plain_question).is_some_and(|message| {
        let Some(name) = name(message.body) else {
            return false;
        };
        match message.body[name.len()..] {
            [a, b, c, d, ref rest @ ..] => {
                let class = u16::from_be_bytes([c, d]);
                let is_whole = rest.is_empty() == (message.counts[3] == 0);
                is_whole && [a, b] != [0, 0] && CLASSES.contains(&class)
            }
            _ => false,
        }
    })
}

/// Reads a request. Its fingerprint is the question's, in lower case: numbers, cookies and the
/// case of letters change from one try to the next.
pub fn request(prefix: &[u8]) -> Request {
    let fingerprint = Message::of(prefix, Message::is_asking).map_or_else(
        || fingerprint::of(prefix),
        |message| {
            let name = name(message.body).map_or(message.body.len(), <[u8]>::len);
            let question = &message.body[..message.body.len().min(name + 4)];
            question.iter().fold(fingerprint::of(&[]), |hash, byte| {
                fingerprint::and(hash, &[byte.to_ascii_lowercase()])
            })
        },
    );
    Request {
        protocol: Protocol::Dns,
        kind: Kind::Call,
        fingerprint,
    }
}

/// Reads an answer; its RCODE is its status.
pub fn answer(prefix: &[u8]) -> Option<Answer> {
    let message = Message::of(prefix, Message::is_answering)?;
    let status = message.flags & 0xf;
    let failed = matches!(
        status,
        rcode::FORMAT_ERROR | rcode::SERVER_FAILURE | rcode::NOT_IMPLEMENTED | rcode::REFUSED
    );
    Some(Answer {
        protocol: Protocol::Dns,
        status: Some(status),
        failed,
    })
}

/// The name at the beginning, with the empty label at its end; `None` if it isn't one, or isn't
/// all there. Questions have nothing to point back at.
fn name(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    while at < LONGEST_NAME {
        let length = *bytes.get(at)?;
        at += 1 + usize::from(length);
        match length {
            0 => return Some(&bytes[..at]),
            1..=LONGEST_LABEL => {}
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &[u8] = b"\x12\x34\x01\x20\0\x01\0\0\0\0\0\0\x08Payments\x04shop\0\0\x1c\0\x01";
    const WITH_EDNS: &[u8] = b"\xab\xcd\x01\x20\0\x01\0\0\0\0\0\x01\x08payments\x04SHOP\0\0\x1c\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\0";

    fn counted(message: &[u8]) -> Vec<u8> {
        [&(message.len() as u16).to_be_bytes(), message].concat()
    }

    fn answered(rcode: u8) -> Vec<u8> {
        let mut answer = QUESTION.to_vec();
        answer[2..4].copy_from_slice(&[0x81, 0x80 | rcode]);
        answer
    }

    #[test]
    fn questions_are_recognised_over_both_transports() {
        for question in [QUESTION, WITH_EDNS] {
            assert!(is_question(question));
            assert!(is_question(&counted(question)));
            for length in 0..question.len() - 15 {
                assert!(!is_question(&question[..length]), "{length}");
            }
        }
        assert!(!is_question(&answered(0)));
        assert!(!is_question(&[QUESTION, b"more"].concat()));
        assert!(!is_question(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"));
    }

    #[test]
    fn the_same_question_is_the_same_request() {
        let one = request(QUESTION);
        assert_eq!(request(WITH_EDNS), one);
        assert_eq!(request(&counted(QUESTION)), one);
        assert_eq!(request(&counted(WITH_EDNS)), one);
        let mut other_type = QUESTION.to_vec();
        other_type[27] = 1;
        assert_ne!(request(&other_type), one);
    }

    #[test]
    fn failures_are_told_from_answers() {
        let read = |bytes: &[u8]| answer(bytes).map(|it| (it.status.unwrap(), it.failed));
        for (rcode, failed) in [
            (0, false),
            (1, true),
            (2, true),
            (3, false),
            (4, true),
            (5, true),
        ] {
            let answer = answered(rcode);
            let expected = Some((rcode.into(), failed));
            assert_eq!(read(&answer), expected);
            assert_eq!(read(&answer[..HEADER]), expected, "cut short");
            assert_eq!(read(&counted(&answer)), expected);
        }
        assert_eq!(read(QUESTION), None);
        assert_eq!(read(&counted(QUESTION)), None);
        assert_eq!(read(b"\0\x1d\x12\x34"), None);
    }
}
