//! Calls out of events: what waits on each connection, and how its waiting ends.

use std::collections::HashMap;

use probe_common::{
    event::{AnswerEvent, CloseEvent, Event, EventHeader, ending},
    flow::role,
};

use super::{Party, PartyIndex};
use crate::protocol;

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// Answered, and well.
    #[default]
    Ok,
    /// Answered with an error.
    Error,
    /// The other side reset the connection.
    Reset,
    /// Nobody listened.
    Refused,
    /// No connection came to be.
    ConnectTimeout,
    /// The caller left while an answer was due.
    Abandoned,
    /// The other side closed without an answer.
    Closed,
}

impl Outcome {
    /// All there are, in the order of their declaration.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Error,
        Self::Reset,
        Self::Refused,
        Self::ConnectTimeout,
        Self::Abandoned,
        Self::Closed,
    ];

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::Abandoned => "abandoned",
            Self::Closed => "closed",
        }
    }

    /// Whether an answer came.
    pub fn is_answered(self) -> bool {
        matches!(self, Self::Ok | Self::Error)
    }
}

/// A call that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// Whose call it was; `None` before the model has said so.
    pub party: Option<PartyIndex>,
    /// Cookie of the connection.
    pub cookie: u64,
    /// When it ended: its answer's first byte, or what came instead.
    pub ended_ns: u64,
    /// How long it had waited by then.
    pub waited_ns: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The protocol's own status, where it has one.
    pub status: Option<u16>,
    /// Hash of the request's first bytes: the same for the same request made again.
    pub fingerprint: u64,
}

/// Connections followed at once; beyond, those where nothing waits are forgotten.
const MOST: usize = 131_072;

/// What waits on each connection.
#[derive(Debug, Default)]
pub(super) struct Calls {
    waiting: HashMap<u64, Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    number: u32,
    fingerprint: u64,
}

impl Calls {
    /// Takes in one event of a party's connection; gives the call that ended with it.
    pub(super) fn follow(&mut self, event: &Event, party: &mut Party) -> Option<Call> {
        match event {
            Event::Connect(_) => None,
            Event::Established(established) => {
                if established.connect_ns > 0 {
                    party.connects.record(established.connect_ns / 1_000);
                }
                None
            }
            Event::Request(request) => {
                self.begin(&request.header, request.number, request.prefix(), party);
                None
            }
            Event::Answer(answer) => Some(self.answered(answer, party)),
            Event::Close(close) => self.closed(close, party),
        }
    }

    fn begin(&mut self, header: &EventHeader, number: u32, prefix: &[u8], party: &mut Party) {
        let waiting = Waiting {
            number,
            fingerprint: fingerprint(prefix),
        };
        if self.waiting.insert(header.cookie, waiting).is_none() {
            party.in_flight += 1;
            party.in_flight_max = party.in_flight_max.max(party.in_flight);
        }
        if self.waiting.len() > MOST {
            // Their ends were lost; nothing tells any more when they were.
            self.waiting.clear();
            party.in_flight = 0;
        }
    }

    fn answered(&mut self, answer: &AnswerEvent, party: &mut Party) -> Call {
        let meaning = protocol::answer(answer.prefix());
        if meaning.protocol != protocol::UNKNOWN {
            party.protocol = Some(meaning.protocol);
        }
        let outcome = if meaning.failed {
            Outcome::Error
        } else {
            Outcome::Ok
        };
        let call = Call {
            party: None,
            cookie: answer.header.cookie,
            ended_ns: answer.header.at_ns,
            waited_ns: answer.latency_ns,
            outcome,
            status: meaning.status,
            fingerprint: self.end(answer.header.cookie, party),
        };
        party.history.record(&call);
        call
    }

    fn closed(&mut self, close: &CloseEvent, party: &mut Party) -> Option<Call> {
        let fingerprint = self.end(close.header.cookie, party);
        if close.ending == ending::RESET_RECEIVED {
            party.resets += 1;
        }
        if close.waited_ns == 0 {
            return None;
        }
        let call = Call {
            party: None,
            cookie: close.header.cookie,
            ended_ns: close.header.at_ns,
            waited_ns: close.waited_ns,
            outcome: outcome_of(close),
            status: None,
            fingerprint,
        };
        party.history.record(&call);
        Some(call)
    }

    /// Nothing waits on a connection any more; gives the fingerprint of what did.
    fn end(&mut self, cookie: u64, party: &mut Party) -> u64 {
        let Some(waiting) = self.waiting.remove(&cookie) else {
            return 0;
        };
        debug_assert!(waiting.number > 0);
        party.in_flight = party.in_flight.saturating_sub(1);
        waiting.fingerprint
    }
}

/// What the end of a connection means for the call that waited on it.
fn outcome_of(close: &CloseEvent) -> Outcome {
    let by_near_side = matches!(
        close.ending,
        ending::FIN_SENT | ending::RESET_SENT | ending::GONE
    );
    let by_caller = by_near_side == (close.role == role::CLIENT);
    match close.ending {
        ending::REFUSED => Outcome::Refused,
        ending::NO_CONNECTION => Outcome::ConnectTimeout,
        _ if by_caller => Outcome::Abandoned,
        ending::RESET_RECEIVED | ending::RESET_SENT => Outcome::Reset,
        _ => Outcome::Closed,
    }
}

/// FNV-1a (Fowler, Noll, Vo) over the request's first line, or its first bytes where it has
/// none.
fn fingerprint(prefix: &[u8]) -> u64 {
    let line = prefix.split(|&byte| byte == b'\r').next().unwrap_or(prefix);
    line.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
