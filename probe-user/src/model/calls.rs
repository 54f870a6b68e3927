//! Calls out of events: what is known of each connection, and what its turns and its end amount
//! to.

use probe_common::{
    event::{CallEvent, CloseEvent, Event, FrameEvent, HelloEvent, ending},
    flow::{framing, role},
};

use super::{
    Call, Outcome, Party, PartyIndex,
    ledger::{FaultId, Ledger, Wire},
    recent::Recent,
    streams::Streams,
};
use crate::protocol::{self, Answer, Kind, Protocol, Request};

/// What is known of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Connection {
    connected_ns: u64,
    established_ns: u64,
    pid: u32,
    tid: u32,
    protocol: Protocol,
    flows: Option<[u64; 2]>,
}

impl Connection {
    /// What a call is told of the connection it is made on.
    fn call(&self, cookie: u64) -> Call {
        Call {
            cookie,
            connected_ns: self.connected_ns,
            established_ns: self.established_ns,
            pid: self.pid,
            tid: self.tid,
            protocol: self.protocol,
            ..Call::default()
        }
    }

    fn wire(&self, cookie: u64) -> Wire {
        Wire {
            flows: self.flows,
            cookie,
        }
    }
}

/// The connections that calls are made on.
#[derive(Debug, Default)]
pub(super) struct Calls {
    connections: Recent<Connection>,
    streams: Streams,
    /// Calls that ended with the last event, and weren't handed on yet; the last one first.
    ended: Vec<Call>,
    /// Who knows which fault a call was in.
    pub(super) ledger: Option<Box<dyn Ledger>>,
}

impl Calls {
    /// Takes in what the packets of a connection go by that was there before, while there is room
    /// without forgetting others.
    pub(super) fn was_there(&mut self, cookie: u64, flows: [u64; 2]) {
        if let Some(connection) = self.connections.entry_with_room(cookie) {
            connection.flows.get_or_insert(flows);
        }
    }

    /// Takes in one event of a party's connection; gives the call that ended with it.
    pub(super) fn follow(
        &mut self,
        event: &Event<'_>,
        party: &mut Party,
        index: PartyIndex,
    ) -> Option<Call> {
        match event {
            Event::Connect(connect) => {
                let connection = Connection {
                    connected_ns: connect.header.at_ns,
                    pid: connect.pid,
                    tid: connect.tid,
                    ..Connection::default()
                };
                self.connections.insert(connect.header.cookie, connection);
                None
            }
            Event::Established(established) => {
                if established.connect_ns > 0 {
                    party.connects.record(established.connect_ns / 1_000);
                }
                let connection = self.connections.entry(established.header.cookie);
                connection.flows = Some(Wire::flows_of(established));
                connection.established_ns = established.header.at_ns;
                if established.role == role::SERVER {
                    connection.connected_ns = established.header.at_ns;
                }
                None
            }
            Event::Greeting(greeting) => {
                let connection = self.connections.entry(greeting.header.cookie);
                connection.protocol = protocol::greeting(greeting.prefix());
                None
            }
            Event::Hello(hello) => {
                self.hello(hello, party);
                None
            }
            Event::Frame(frame) => self.frame(frame, party),
            Event::Message(_) => None,
            Event::Call(call) => self.answered(call, party),
            Event::Close(close) => self.closed(close, party, index),
        }
    }

    fn answered(&mut self, event: &CallEvent, party: &mut Party) -> Option<Call> {
        let connection = self.connections.entry(event.header.cookie);
        if event.framing == framing::DATAGRAM {
            connection.protocol = Protocol::Dns;
        }
        let (request, answer) = if event.framing == framing::TLS {
            unread()
        } else {
            protocol::exchange(connection.protocol, event.request(), event.answer())
        };
        connection.protocol = answer.protocol;
        party.speaks(answer.protocol);
        if request.kind == Kind::Handshake {
            party.agreed += 1;
            return None;
        }
        let call = Call {
            began_ns: event.header.at_ns.saturating_sub(event.latency_ns),
            ended_ns: event.header.at_ns,
            waited_ns: event.latency_ns,
            outcome: if answer.failed {
                Outcome::Error
            } else {
                Outcome::Ok
            },
            status: answer.status,
            fingerprint: request.fingerprint,
            rtt_us: event.rtt_us,
            number: event.number,
            ..connection.call(event.header.cookie)
        };
        let call = in_fault(&mut self.ledger, &connection.wire(call.cookie), call);
        if event.rtt_us > 0 {
            party.rtts.record(u64::from(event.rtt_us));
        }
        party.record(&call);
        Some(call)
    }

    fn hello(&mut self, hello: &HelloEvent<'_>, party: &mut Party) {
        let connection = self.connections.entry(hello.head.header.cookie);
        connection.protocol = Protocol::Tls;
        party.speaks(Protocol::Tls);
        if let Some(name) = protocol::tls::server_name(hello.prefix)
            && party.server_name.as_ref() != Some(&name)
        {
            party.server_name = Some(name);
        }
    }

    fn frame(&mut self, frame: &FrameEvent<'_>, party: &mut Party) -> Option<Call> {
        let cookie = frame.head.header.cookie;
        let connection = *self.connections.entry(cookie);
        let call = self.streams.follow(frame, connection.call(cookie))?;
        let call = in_fault(&mut self.ledger, &connection.wire(cookie), call);
        if call.rtt_us > 0 {
            party.rtts.record(u64::from(call.rtt_us));
        }
        party.speaks(call.protocol);
        party.record(&call);
        Some(call)
    }

    fn closed(&mut self, close: &CloseEvent, party: &mut Party, index: PartyIndex) -> Option<Call> {
        let cookie = close.header.cookie;
        let connection = if close.framing == framing::DATAGRAM {
            // Each question that was left ends so; the socket may have had several.
            let connection = self.connections.entry(cookie);
            connection.protocol = Protocol::Dns;
            *connection
        } else {
            self.connections.remove(cookie).unwrap_or_default()
        };
        if close.ending == ending::RESET_RECEIVED {
            party.resets += 1;
        }
        let call = Call {
            began_ns: close.header.at_ns.saturating_sub(close.waited_ns),
            ended_ns: close.header.at_ns,
            waited_ns: close.waited_ns,
            outcome: outcome_of(close),
            ..connection.call(cookie)
        };
        if close.framing == framing::HTTP2 {
            let (ended, ledger) = (&mut self.ended, &mut self.ledger);
            self.streams.close(call, |call| {
                let call = in_fault(ledger, &connection.wire(cookie), call);
                party.speaks(call.protocol);
                party.record(&call);
                ended.push(Call {
                    party: Some(index),
                    ..call
                });
            });
            self.ended.reverse();
            return self.ended.pop();
        }
        if close.waited_ns == 0 {
            return None;
        }
        let call = match call.outcome {
            Outcome::Refused | Outcome::ConnectTimeout => call,
            _ => cut_off(call, close, party)?,
        };
        let attempted = close.attempted();
        let wire = Wire {
            flows: connection
                .flows
                .or(attempted.map(|[near, far]| Wire::flows(&near, &far))),
            cookie,
        };
        let call = in_fault(&mut self.ledger, &wire, call);
        party.record(&call);
        Some(call)
    }

    /// The next of the calls that ended with the last event.
    pub(super) fn ended_as_well(&mut self) -> Option<Call> {
        self.ended.pop()
    }
}

/// What a turn is of which nothing can be read: a request, and a good answer.
fn unread() -> (Request, Answer) {
    let protocol = Protocol::Tls;
    let request = Request {
        protocol,
        kind: Kind::Call,
        fingerprint: 0,
    };
    let answer = Answer {
        protocol,
        status: None,
        failed: false,
    };
    (request, answer)
}

/// The same call, with the fault that it was in.
fn in_fault(ledger: &mut Option<Box<dyn Ledger>>, wire: &Wire, call: Call) -> Call {
    let ask = |ledger: &mut Box<dyn Ledger>| ledger.fault(wire, call.began_ns, call.ended_ns);
    Call {
        fault: ledger.as_mut().map_or(FaultId::NONE, ask),
        ..call
    }
}

/// What a request was that no answer came to; `None` where nobody would have missed it.
fn cut_off(call: Call, close: &CloseEvent, party: &mut Party) -> Option<Call> {
    let request = if close.framing == framing::TLS {
        unread().0
    } else {
        protocol::request(call.protocol, close.request())
    };
    if request.kind != Kind::Call {
        return None;
    }
    party.speaks(request.protocol);
    Some(Call {
        fingerprint: request.fingerprint,
        protocol: request.protocol,
        number: close.requests,
        ..call
    })
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
