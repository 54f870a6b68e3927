//! Questions to a DNS server over UDP, and the sockets that ask and are asked.

use crate::{address::Address, event::REQUEST_PREFIX};

/// Where DNS servers are asked.
pub const DNS_PORT: u16 = 53;
/// Questions that wait for their answer at once; beyond, the one that has waited longest is
/// forgotten.
pub const MAX_QUESTIONS: u32 = 16_384;
/// UDP sockets that are known at once; beyond, the one idle longest is forgotten.
pub const MAX_ASKERS: u32 = 16_384;
/// Questions of one socket that are told to have been abandoned when it is closed.
pub const MOST_OPEN: usize = 16;
/// A question that waited for so long isn't answered any more: no resolver is that patient.
pub const GIVEN_UP_NS: u64 = 30_000_000_000;

/// Which question.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuestionKey {
    /// Cookie of the socket.
    pub cookie: u64,
    /// What tells it from the socket's others; see [`QuestionKey::new`].
    pub number: u64,
}

impl QuestionKey {
    /// A message's number counts together with the far side: one socket may ask two servers by
    /// the same number, and two clients may ask a server so. Never zero, as a port isn't.
    #[inline(always)]
    pub const fn new(cookie: u64, id: u16, remote: &Address, remote_port: u16) -> Self {
        let [a, b, c, d] = remote.u32s();
        let address = a ^ b ^ c ^ d;
        Self {
            cookie,
            number: (address as u64) << 32 | (id as u64) << 16 | remote_port as u64,
        }
    }
}

/// A question that waits for its answer.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// When it passed first.
    pub began_ns: u64,
    /// One until somebody takes it, who then tells of it.
    pub waiting: u64,
    /// Handle of its peer's slot.
    pub peer: u32,
    /// Which question of the socket it is, from 1.
    pub number: u32,
    /// One of [`crate::flow::role`].
    pub role: u8,
    /// How many bytes of `request` count.
    pub request_length: u8,
    /// Always zero.
    pub pad: [u8; 6],
    /// Its first bytes.
    pub request: [u64; REQUEST_PREFIX / 8],
}

impl Question {
    /// Nothing known yet.
    pub const EMPTY: Self = Self {
        began_ns: 0,
        waiting: 0,
        peer: 0,
        number: 0,
        role: 0,
        request_length: 0,
        pad: [0; 6],
        request: [0; REQUEST_PREFIX / 8],
    };
}

/// A UDP socket: whose it is, and what it is waiting for.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Id of its process's cgroup in the unified hierarchy; 0 where it isn't known.
    pub cgroup_id: u64,
    /// Cookie of its network namespace; 0 where it isn't known.
    pub netns_cookie: u64,
    /// Process that made it, or sent by it last; 0 where it isn't known.
    pub pid: u32,
    /// The process that was told to ask by it.
    pub told_pid: u32,
    /// How many questions it asked.
    pub questions: u32,
    /// Always zero.
    pub pad: u32,
    /// Numbers of the questions that wait ([`QuestionKey::number`]); 0 where none does.
    pub open: [u64; MOST_OPEN],
}

impl Asker {
    /// Nothing known yet.
    pub const EMPTY: Self = Self {
        cgroup_id: 0,
        netns_cookie: 0,
        pid: 0,
        told_pid: 0,
        questions: 0,
        pad: 0,
        open: [0; MOST_OPEN],
    };
}

const _: () = assert!(size_of::<QuestionKey>() == 16);
const _: () = assert!(size_of::<Question>() == 128);
const _: () = assert!(size_of::<Asker>() == 160);

// SAFETY: `#[repr(C)]`, integers and arrays of them only, no padding that the compiler adds
// (the assertion above counts every byte), any bit pattern valid.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Asker {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_of_a_socket_are_told_apart_by_number_and_far_side() {
        let server = |last| Address::from_v4([10, 0, 0, last]);
        let key = |id, last, port| QuestionKey::new(7, id, &server(last), port);
        assert_eq!(key(1, 2, 53), key(1, 2, 53));
        assert_ne!(key(1, 2, 53), key(2, 2, 53));
        assert_ne!(key(1, 2, 53), key(1, 3, 53));
        assert_ne!(key(1, 2, 53), key(1, 2, 54));
        assert_ne!(key(0, 0, 53).number, 0);
    }
}
