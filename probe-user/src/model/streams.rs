//! Calls of connections that carry several at once: the streams of HTTP/2 and gRPC, out of the
//! frames that say something of them.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::FixedState;
use probe_common::{
    event::{FrameEvent, FrameHead, frame_kind},
    flow::role,
};

use super::{Call, Outcome, recent::Recent};
use crate::protocol::{
    Protocol,
    http2::{Connection, Headers},
};

/// Connections a generation of which is remembered.
const CONNECTIONS: usize = 4_096;
/// Streams of one connection that may wait at once; those beyond aren't followed.
const OPEN: usize = 4_096;
/// Gaps of one connection that late frames may fill.
const GAPS: usize = 32;
/// Longest frame that is put together out of its pieces: what both sides accept unless they agree
/// on more.
const LONGEST_FRAME: usize = 16_384;

/// The stream of a client's first request (RFC 9113, section 5.1.1).
const FIRST_STREAM: u32 = 1;

/// Flags of frames (RFC 9113, section 6.2).
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Every connection that speaks HTTP/2.
#[derive(Debug)]
pub(super) struct Streams {
    connections: Recent<Box<Multiplexed>>,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            connections: Recent::of(CONNECTIONS),
        }
    }
}

/// One connection.
#[derive(Debug, Default)]
struct Multiplexed {
    codec: Connection,
    /// Pieces of a frame of the client's, and of the server's.
    pieces: [Vec<u8>; 2],
    /// The same of frames that come late, overtaken by others.
    late_pieces: [Vec<u8>; 2],
    /// What client's frames may still fill: which gap, and the last stream begun before it.
    gaps: VecDeque<(u32, u32)>,
    /// Streams that the client reset before their requests came, overtaken.
    cancelled: VecDeque<u32>,
    open: HashMap<u32, Open, FixedState>,
    last_stream: u32,
    begun: u32,
}

/// A stream that waits.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    began_ns: u64,
    number: u32,
    fingerprint: u64,
    grpc: bool,
    /// How long it waited for the first frame of its answer; 0 where none came yet.
    waited_ns: u64,
    status: Option<u16>,
}

impl Streams {
    /// Takes in a piece of a frame; gives the call that ended with it, `call` being what is known
    /// of the connection.
    pub(super) fn follow(&mut self, frame: &FrameEvent, call: Call) -> Option<Call> {
        let connection = self.connections.entry(call.cookie);
        let ended = connection.follow(frame)?;
        Some(Call {
            stream: frame.head.stream,
            ended_ns: frame.head.header.at_ns,
            connected_ns: call.connected_ns,
            pid: call.pid,
            tid: call.tid,
            cookie: call.cookie,
            ..ended
        })
    }

    /// The connection ended: hands over what still waited, first asked first.
    pub(super) fn close(&mut self, call: Call, mut ended: impl FnMut(Call)) {
        let Some(connection) = self.connections.remove(call.cookie) else {
            return;
        };
        let mut open: Vec<_> = connection.open.into_iter().collect();
        open.sort_unstable_by_key(|(stream, _)| *stream);
        for (stream, it) in open {
            ended(Call {
                stream,
                began_ns: it.began_ns,
                waited_ns: call.ended_ns.saturating_sub(it.began_ns),
                status: None,
                fingerprint: it.fingerprint,
                protocol: it.protocol(),
                number: it.number,
                ..call
            });
        }
    }
}

impl Multiplexed {
    fn follow(&mut self, frame: &FrameEvent) -> Option<Call> {
        let head = &frame.head;
        let from_client = (head.outgoing != 0) == (head.role == role::CLIENT);
        match head.kind {
            frame_kind::LOST => {
                self.codec.lost(from_client);
                self.pieces = Default::default();
                self.late_pieces = Default::default();
                if from_client {
                    self.gaps.clear();
                    self.cancelled.clear();
                }
                // They may have been answered, unseen.
                self.open.clear();
                None
            }
            frame_kind::OVERTAKES => {
                self.leave_gap(from_client, head.gap);
                None
            }
            frame_kind::RST_STREAM if head.offset == 0 => self.reset(frame, from_client),
            frame_kind::HEADERS | frame_kind::CONTINUATION | frame_kind::PUSH_PROMISE => {
                if head.kind == frame_kind::HEADERS && head.offset == 0 {
                    self.headers_begin(frame, from_client);
                }
                let headers = self.read(frame, from_client)?;
                self.headers_end(frame, from_client, headers)
            }
            _ => None,
        }
    }

    /// Frames of one side come that overtook others.
    fn leave_gap(&mut self, from_client: bool, gap: u32) {
        self.codec.leave_gap(from_client, gap);
        let side = usize::from(!from_client);
        self.late_pieces[side] = std::mem::take(&mut self.pieces[side]);
        if from_client {
            if self.gaps.len() == GAPS {
                self.gaps.pop_front();
            }
            self.gaps.push_back((gap, self.last_stream));
        }
    }

    /// Whether a stream of the client's begins here: they are numbered as they begin.
    fn is_new(&mut self, head: &FrameHead) -> bool {
        let stream = head.stream;
        if head.late != 0 {
            self.last_stream = self.last_stream.max(stream);
            let Some((_, last)) = self.gaps.iter_mut().find(|it| it.0 == head.gap) else {
                return false;
            };
            let is_new = stream > *last;
            *last = stream.max(*last);
            return is_new && !self.cancelled.contains(&stream);
        }
        if stream <= self.last_stream {
            return false;
        }
        if self.last_stream == 0 && stream != FIRST_STREAM && self.gaps.is_empty() {
            // Nothing is known of what was indexed before.
            self.codec.lost(true);
            self.codec.lost(false);
        }
        self.last_stream = stream;
        true
    }

    /// A stream's headers begin: with its request's it waits, with its answer's no longer.
    fn headers_begin(&mut self, frame: &FrameEvent, from_client: bool) {
        let (stream, at_ns) = (frame.head.stream, frame.head.header.at_ns);
        if from_client && self.is_new(&frame.head) {
            self.begun += 1;
            if self.open.len() < OPEN {
                let open = Open {
                    began_ns: at_ns,
                    number: self.begun,
                    ..Open::default()
                };
                self.open.insert(stream, open);
            }
        } else if !from_client
            && let Some(open) = self.open.get_mut(&stream)
            && open.waited_ns == 0
        {
            open.waited_ns = at_ns.saturating_sub(open.began_ns).max(1);
        }
    }

    /// What a header block says, once all of it is there.
    fn read(&mut self, frame: &FrameEvent, from_client: bool) -> Option<Headers> {
        let head = &frame.head;
        self.codec
            .turn_to(from_client, (head.late != 0).then_some(head.gap));
        let mut read = |payload: &[u8], whole| {
            self.codec.frame(
                from_client,
                head.stream,
                head.kind,
                head.flags,
                payload,
                whole,
            )
        };
        let length = head.frame_length as usize;
        let headers = if frame.fragment.len() == length {
            read(frame.fragment, true)
        } else {
            let pieces = match head.late {
                0 => &mut self.pieces,
                _ => &mut self.late_pieces,
            };
            let pieces = &mut pieces[usize::from(!from_client)];
            if head.offset == 0 {
                pieces.clear();
            }
            let at = head.offset as usize;
            if at != pieces.len() && at <= LONGEST_FRAME {
                // Another frame's, whose rest didn't come.
                pieces.clear();
            }
            if at == pieces.len() && at + frame.fragment.len() <= LONGEST_FRAME {
                pieces.extend_from_slice(frame.fragment);
            }
            if at + frame.fragment.len() < length {
                return None;
            }
            let pieces = std::mem::take(pieces);
            read(&pieces, pieces.len() == length)
        };
        let ends = head.kind != frame_kind::PUSH_PROMISE && head.flags & END_HEADERS != 0;
        headers.or_else(|| {
            ends.then(|| Headers {
                stream: head.stream,
                end_stream: head.flags & END_STREAM != 0,
                ..Headers::default()
            })
        })
    }

    fn headers_end(
        &mut self,
        frame: &FrameEvent,
        from_client: bool,
        headers: Headers,
    ) -> Option<Call> {
        let stream = frame.head.stream;
        let open = self.open.get_mut(&stream)?;
        if from_client {
            open.grpc |= headers.grpc;
            if headers.fingerprint != 0 {
                open.fingerprint = headers.fingerprint;
            }
            return None;
        }
        if matches!(headers.status, Some(100..=199)) {
            // More is to come.
            return None;
        }
        open.grpc |= headers.grpc;
        open.status = headers.status.or(open.status);
        let told = Headers {
            grpc: open.grpc,
            status: open.status,
            ..headers
        };
        let answer = told.answer();
        if answer.is_none() && open.grpc && !headers.end_stream {
            // How it went stands in its trailers.
            return None;
        }
        let open = self.open.remove(&stream)?;
        let failed = answer.is_some_and(|it| it.failed);
        Some(Call {
            outcome: if failed { Outcome::Error } else { Outcome::Ok },
            status: answer.and_then(|it| it.status),
            rtt_us: frame.head.rtt_us,
            ..open.call(open.waited_ns)
        })
    }

    fn reset(&mut self, frame: &FrameEvent, from_client: bool) -> Option<Call> {
        let stream = frame.head.stream;
        let Some(open) = self.open.remove(&stream) else {
            if from_client && !self.gaps.is_empty() {
                if self.cancelled.len() == GAPS {
                    self.cancelled.pop_front();
                }
                self.cancelled.push_back(stream);
            }
            return None;
        };
        let waited_ns = frame.head.header.at_ns.saturating_sub(open.began_ns);
        Some(Call {
            outcome: if from_client {
                Outcome::Abandoned
            } else {
                Outcome::Reset
            },
            ..open.call(waited_ns)
        })
    }
}

impl Open {
    fn call(&self, waited_ns: u64) -> Call {
        Call {
            began_ns: self.began_ns,
            waited_ns,
            fingerprint: self.fingerprint,
            protocol: self.protocol(),
            number: self.number,
            ..Call::default()
        }
    }

    fn protocol(&self) -> Protocol {
        if self.grpc {
            Protocol::Grpc
        } else {
            Protocol::Http2
        }
    }
}
