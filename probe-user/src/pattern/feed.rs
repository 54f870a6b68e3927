//! From the model's calls and the faults that were armed to what the detectors are fed. Numbers of
//! services are process ids; those of dependencies are the model's own. Callers that nobody knows
//! are left out, and counted: calls of several would look like one's.

use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Gauge, Inbound, Outcome, Phase};
use super::finding::Findings;
use super::ledger::{FaultKind, Window};
use super::news::{News, Told};
use super::recording::Line;
use super::watch::{Patterns, Settings};
use crate::model::{Call, Dependency, Model, PartyIndex, ledger::Spell};
use crate::protocol::Protocol;

/// Inbound calls kept until somebody knows whose they are.
const MOST_WAITING: usize = 1_024;
/// How long after its connection came to be a request is still what it was made for, where
/// connecting itself took no time.
const MADE_FOR_IT_NS: u64 = 50_000_000;

/// Feeds the detectors, and remembers what they said.
#[derive(Debug, Default)]
pub struct Feed {
    patterns: Patterns,
    /// Inbound calls of services without a process yet, by their places.
    waiting: Vec<(usize, Inbound)>,
    /// Calls whose caller isn't known.
    unattributed: u64,
    lost_events: u64,
    /// When it was last looked whether any were.
    looked_ns: u64,
    told: Told,
    /// What was fed since somebody took it; none where nobody does.
    tap: Option<Vec<Line>>,
}

/// What the detectors have no record of any more, or never had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Missing {
    /// Calls whose caller isn't known.
    pub unattributed: u64,
    /// Calls that there was no room for in the record of times of trouble.
    pub calls: u64,
    /// Services, and dependencies of services.
    pub parties: u64,
}

impl Feed {
    /// Feeds detectors that have seen nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            patterns: Patterns::new(settings),
            ..Self::default()
        }
    }

    /// Takes in a call that ended, while its party's place holds.
    pub fn take(&mut self, call: &Call, model: &Model) {
        match call.party {
            Some(PartyIndex::Dependency(at)) => {
                self.outbound(call, &model.dependencies()[at], model)
            }
            Some(PartyIndex::Service(at)) => {
                let pid = model.services()[at].pid;
                let inbound = inbound(call, pid);
                match pid {
                    0 if self.waiting.len() < MOST_WAITING => self.waiting.push((at, inbound)),
                    0 => self.unattributed += 1,
                    _ => self.serve(&inbound),
                }
            }
            None => {}
        }
    }

    fn outbound(&mut self, call: &Call, to: &Dependency, model: &Model) {
        if to.pid == 0 {
            self.unattributed += 1;
            return;
        }
        let faulted = model.fault_name(call).is_some();
        if faulted {
            let held = |it: &&Spell| {
                it.fault == call.fault && it.from_ns <= call.ended_ns && it.to_ns >= call.began_ns
            };
            for spell in model.spells().iter().filter(held) {
                let window = window(to.number, spell);
                if self.patterns.fault(window) {
                    self.record(|| Line::Fault(window));
                }
            }
        }
        let attempt = attempt(call, to, faulted);
        self.patterns.observe(&attempt);
        self.record(|| Line::Attempt(attempt));
    }

    fn serve(&mut self, inbound: &Inbound) {
        self.patterns.serve(inbound);
        self.record(|| Line::Inbound(*inbound));
    }

    fn record(&mut self, line: impl FnOnce() -> Line) {
        if let Some(tap) = &mut self.tap {
            tap.push(line());
        }
    }

    /// Keeps all that is fed from now on until it is taken.
    pub fn keep_record(&mut self) {
        self.tap = Some(Vec::new());
    }

    /// What was fed since the last time, where that is kept.
    pub fn take_record(&mut self) -> Vec<Line> {
        self.tap.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes in what the model knows that no call tells: how many calls wait, which dependencies turned out to be one, which faults ended, and that events were lost.
    pub fn look(&mut self, model: &Model, lost_events: u64, now_ns: u64) {
        self.assign(model);
        for to in model.dependencies().iter().filter(|it| it.pid != 0) {
            for &gone in &to.was {
                let (service, into) = (to.pid, to.number);
                if self.patterns.unite(service, gone, into) {
                    self.record(|| Line::Unite {
                        service,
                        gone,
                        into,
                    });
                }
            }
            let gauge = Gauge {
                service: to.pid,
                dependency: to.number,
                at_ns: now_ns,
                in_flight: to.party.in_flight,
                in_flight_max: to.party.in_flight_max,
                oldest_ns: 0,
            };
            if self.patterns.gauge(&gauge) {
                self.record(|| Line::Gauge(gauge));
            }
        }
        for spell in model.spells() {
            let ended = self
                .patterns
                .ends(kind(spell.kind), spell.from_ns, spell.to_ns);
            for window in ended {
                self.record(|| Line::Fault(window));
            }
        }
        if lost_events > self.lost_events {
            let from_ns = self.looked_ns;
            self.patterns.lost(from_ns, now_ns);
            self.record(|| Line::Lost {
                at_ns: now_ns,
                from_ns,
            });
        }
        self.lost_events = lost_events;
        self.looked_ns = now_ns;
    }

    /// Gives calls of services whose process wasn't known to those whose it is by now. To be done
    /// as often as calls are taken in.
    pub fn assign(&mut self, model: &Model) {
        for (at, call) in std::mem::take(&mut self.waiting) {
            match model.services().get(at).map_or(0, |it| it.pid) {
                0 => self.unattributed += 1,
                service => self.serve(&Inbound { service, ..call }),
            }
        }
    }

    /// Has verdicts made anew where something happened, as many as may be made at once; gives
    /// those that changed.
    pub fn judge(&mut self, now_ns: u64) -> Vec<News> {
        self.patterns.judge_briefly(now_ns);
        self.news(now_ns)
    }

    /// Has every verdict made anew, for the last time.
    pub fn settle(&mut self, now_ns: u64) -> Vec<News> {
        self.patterns.judge(now_ns);
        self.record(|| Line::Ask { at_ns: now_ns });
        self.news(now_ns)
    }

    fn news(&mut self, now_ns: u64) -> Vec<News> {
        let anew = self.patterns.findings().filter(|it| it.1 == now_ns);
        self.told.compare(anew.map(|it| it.0))
    }

    /// What was said last of each service and dependency, and when.
    pub fn findings(&self) -> impl Iterator<Item = (&Findings, u64)> {
        self.patterns.findings()
    }

    /// When faults of probe's were on a dependency.
    pub fn faults_on(&self, dependency: u32) -> Vec<(u64, u64)> {
        self.patterns.faults_on(dependency)
    }

    /// What else changed while faults were on.
    pub fn changes(&self) -> Vec<super::cascade::Change> {
        self.patterns.changes()
    }

    /// What is missing from the record.
    pub fn missing(&self) -> Missing {
        Missing {
            unattributed: self.unattributed,
            calls: self.patterns.calls_gone(),
            parties: self.patterns.forgotten(),
        }
    }
}

fn attempt(call: &Call, to: &Dependency, faulted: bool) -> Attempt {
    let new_connection = call.number <= 1;
    Attempt {
        service: to.pid,
        // Who made the connection: where that isn't who calls, calls of one thread overlap.
        tid: call.tid,
        connection: call.cookie,
        stream: call.stream,
        dependency: to.number,
        began_ns: call.began_ns,
        ended_ns: call.ended_ns,
        connect_ns: connected_for(call),
        outcome: call.outcome,
        phase: match call.outcome {
            Outcome::Refused | Outcome::ConnectTimeout => Phase::Connect,
            _ => Phase::Response,
        },
        status: call.status,
        fingerprint: call.fingerprint,
        new_connection,
        faulted,
    }
}

/// How long before the request connecting for it began; 0 where the connection wasn't made for it.
fn connected_for(call: &Call) -> u64 {
    if call.number != 1 || call.connected_ns == 0 || call.established_ns < call.connected_ns {
        return 0;
    }
    let connecting = call.established_ns - call.connected_ns;
    // A handshake of TLS, or of a database, takes as many round trips again.
    let handshake = match call.protocol {
        Protocol::Http1 | Protocol::Redis | Protocol::Dns => 0,
        _ => 3 * connecting,
    };
    let idle = call.began_ns.saturating_sub(call.established_ns);
    match idle <= MADE_FOR_IT_NS + handshake {
        true => call.began_ns.saturating_sub(call.connected_ns),
        false => 0,
    }
}

fn inbound(call: &Call, pid: u32) -> Inbound {
    Inbound {
        service: pid,
        connection: call.cookie,
        began_ns: call.began_ns,
        ended_ns: call.ended_ns,
        outcome: call.outcome,
        status: call.status,
        fingerprint: call.fingerprint,
    }
}

fn window(dependency: u32, spell: &Spell) -> Window {
    Window {
        dependency,
        kind: kind(spell.kind),
        from_ns: spell.from_ns,
        to_ns: spell.to_ns,
    }
}

/// What a fault does, as far as it matters to who meets it.
fn kind(name: &str) -> FaultKind {
    match name {
        "delay" => FaultKind::Delay,
        "loss" => FaultKind::Loss,
        "blackhole" | "partition" => FaultKind::Blackhole,
        "reset" => FaultKind::Reset,
        "refuse" | "limit-connections" => FaultKind::Refuse,
        "http-status" => FaultKind::Errors,
        "pause" | "kill" => FaultKind::Process,
        _ => FaultKind::Other,
    }
}

#[cfg(test)]
mod tests;
