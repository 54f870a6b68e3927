//! A world in which clients call servers, simulated event by event: who calls, what is in the way,
//! how servers answer. What comes out is a recording, as probe would have seen it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::chance::Chance;
pub use super::setup::{Demand, Facts, Requests, Setup};
use crate::pattern::attempt::{Attempt, Inbound, Outcome, Phase};
use crate::pattern::ledger::{FaultKind, Window};
use crate::pattern::recording::{Line, Recording};

pub const SECOND: u64 = 1_000_000_000;
/// When simulated time begins.
pub const START: u64 = 1_000 * SECOND;
/// The dependency with the fault, the one beside it, and the one that takes over.
pub const MAIN: u32 = 1;
pub const BESIDE: u32 = 2;
pub const OTHER: u32 = 3;

pub fn ns(ms: f64) -> u64 {
    (ms.max(0.0) * 1e6) as u64
}

#[derive(Clone, Copy, Debug)]
struct Call {
    first: u64,
    made: u32,
    worker: usize,
    request: u64,
    inbound: Option<(u64, u64)>,
    holds_place: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Demand(usize),
    Set(usize),
    Try(usize),
    Over(usize, usize),
    Emit(usize),
    Answer(usize, bool, u16),
}

pub struct World {
    pub setup: Setup,
    pub facts: Facts,
    chance: Chance,
    queue: BinaryHeap<Reverse<(u64, u64, What)>>,
    seq: u64,
    calls: Vec<Call>,
    attempts: Vec<Attempt>,
    idle_connections: VecDeque<u64>,
    cookies: u64,
    in_flight: usize,
    waiting: VecDeque<usize>,
    serving: usize,
    lines: Vec<Line>,
    emitted: Vec<Line>,
}

impl World {
    pub fn run(setup: Setup, seed: u64) -> (Recording, Facts, Setup) {
        let mut world = Self {
            setup,
            facts: Facts::default(),
            chance: Chance::new(seed),
            queue: BinaryHeap::new(),
            seq: 0,
            calls: Vec::new(),
            attempts: Vec::new(),
            idle_connections: VecDeque::new(),
            cookies: 100,
            in_flight: 0,
            waiting: VecDeque::new(),
            serving: 0,
            lines: Vec::new(),
            emitted: Vec::new(),
        };
        world.begin();
        let end = START + ns(world.setup.lasts * 1e3);
        let dies = world.setup.dies.map_or(u64::MAX, |at| START + ns(at * 1e3));
        while let Some(Reverse((at, _, what))) = world.queue.pop() {
            if at > end.min(dies) {
                break;
            }
            world.step(at, what);
        }
        world.finish(end, dies)
    }

    fn begin(&mut self) {
        if let Some((kind, _, from, to)) = self.setup.fault {
            let at = |s: f64| START + ns(s * 1e3);
            let window = Window {
                dependency: MAIN,
                kind,
                from_ns: at(from),
                to_ns: at(to),
            };
            let open = Window {
                to_ns: u64::MAX,
                ..window
            };
            for (at, window) in [(at(from), open), (at(to), window)] {
                self.emit(at, Line::Fault(window));
            }
        }
        match self.setup.demand {
            Demand::Workers { count, .. } => {
                for worker in 0..count {
                    let at = START + ns(self.chance.between(0.0, 50.0));
                    self.push(at, What::Demand(worker));
                }
            }
            _ => self.push(START, What::Demand(0)),
        }
    }

    /// The caller's death shows as all that was under way ending at once.
    fn finish(mut self, end: u64, dies: u64) -> (Recording, Facts, Setup) {
        if dies < end {
            while let Some(Reverse((at, _, what))) = self.queue.pop() {
                if let What::Over(_, attempt) = what {
                    let mut attempt = self.attempts[attempt];
                    if attempt.began_ns <= dies && at > dies {
                        attempt.ended_ns = dies + self.chance.below(400_000) as u64;
                        attempt.outcome = match attempt.phase {
                            Phase::Connect => Outcome::ConnectTimeout,
                            Phase::Response => Outcome::Abandoned,
                        };
                        attempt.status = None;
                        self.lines.push(Line::Attempt(attempt));
                    }
                }
            }
        }
        self.lines.push(Line::Ask {
            at_ns: end + SECOND,
        });
        (Recording { lines: self.lines }, self.facts, self.setup)
    }

    fn push(&mut self, at: u64, what: What) {
        self.seq += 1;
        self.queue.push(Reverse((at, self.seq, what)));
    }

    fn emit(&mut self, at: u64, line: Line) {
        self.emitted.push(line);
        self.push(at, What::Emit(self.emitted.len() - 1));
    }

    fn step(&mut self, now: u64, what: What) {
        match what {
            What::Demand(worker) => self.demand(now, worker),
            What::Set(call) => self.set_out(now, call),
            What::Try(call) => self.attempt(now, call),
            What::Over(call, attempt) => self.over(now, call, attempt),
            What::Emit(line) => self.lines.push(self.emitted[line].clone()),
            What::Answer(call, well, status) => self.answer(now, call, well, status),
        }
    }

    fn is_idle(&self, now: u64) -> bool {
        let second = (now - START) as f64 / 1e9;
        self.setup
            .idle
            .is_some_and(|(from, to)| (from..to).contains(&second))
    }

    fn demand(&mut self, now: u64, worker: usize) {
        let second = (now - START) as f64 / 1e9;
        let surge = match self.setup.surge {
            Some((factor, from, to)) if (from..to).contains(&second) => factor,
            _ => 1.0,
        };
        if self.is_idle(now) {
            let (_, to) = self.setup.idle.unwrap_or_default();
            return self.push(START + ns(to * 1e3) + 1, What::Demand(worker));
        }
        let late = self.chance.late_ms();
        match self.setup.demand {
            Demand::Workers { .. } | Demand::Once => {}
            Demand::Ticks { period } => {
                // Clocks that tick don't drift with their lateness.
                let tick = ns(period / surge);
                let next = START + ((now - START) / tick + 1) * tick;
                self.push(next + ns(late).min(tick / 2), What::Demand(0));
            }
            Demand::Random { rate } => {
                let gap = self.chance.exponential(1e3 / rate / surge);
                self.push(now + ns(gap), What::Demand(0));
            }
            Demand::Bursts { size, every } => {
                self.push(now + ns(every + late), What::Demand(0));
                for _ in 1..size {
                    self.call(now, 0);
                }
            }
        }
        self.call(now, worker);
    }

    fn call(&mut self, now: u64, worker: usize) {
        let request = match self.setup.requests {
            Requests::Each => 1_000_000 + self.calls.len() as u64,
            Requests::Few(n) => 500 + self.chance.next() % n,
            Requests::Same => 7,
        };
        let id = self.calls.len();
        let inbound = self.setup.inbound.then(|| (now, 50_000 + id as u64 % 50));
        self.calls.push(Call {
            first: now,
            made: 0,
            worker,
            request,
            inbound,
            holds_place: false,
        });
        let work = self.chance.between(0.2, 0.8);
        if self.setup.inbound {
            let shed = self.setup.admits.is_some_and(|most| self.serving >= most);
            self.serving += 1;
            if shed {
                self.facts.shed += 1;
                return self.push(now + ns(work), What::Answer(id, false, 503));
            }
            self.facts.admitted += 1;
        }
        let mut at = now + ns(work);
        if self.setup.beside {
            let took = self.chance.lognormal(3.0, 0.3);
            self.other(BESIDE, at, took, id);
            at += ns(took + 0.2);
        }
        self.push(at, What::Set(id));
    }

    /// A call to another dependency, which goes well.
    fn other(&mut self, dependency: u32, at: u64, took: f64, call: usize) {
        let attempt = Attempt {
            service: 42,
            connection: 9_000 + u64::from(dependency) * 100 + call as u64 % 20,
            dependency,
            began_ns: at,
            ended_ns: at + ns(took),
            fingerprint: 3,
            ..Attempt::default()
        };
        self.emit(at + ns(took), Line::Attempt(attempt));
    }

    /// A call begins, as far as breaker, throttle and limit let it.
    fn set_out(&mut self, now: u64, id: usize) {
        let (setup, chance) = (&mut self.setup, &mut self.chance);
        let inside = setup.breaker_inside;
        let open = match &mut setup.breaker {
            Some(breaker) if !inside => !breaker.lets_in(now, chance),
            _ => false,
        };
        let throttled = setup
            .throttle
            .as_mut()
            .is_some_and(|it| !it.lets_in(now, chance));
        if open || throttled {
            return self.done(now, id, false);
        }
        if let Some(limit) = self.setup.limit
            && self.in_flight >= limit
        {
            self.facts.kept_out += 1;
            match self.setup.queues {
                true => self.waiting.push_back(id),
                false => self.done(now, id, false),
            }
            return;
        }
        self.in_flight += 1;
        self.calls[id].holds_place = true;
        self.attempt(now, id);
    }

    fn attempt(&mut self, now: u64, id: usize) {
        if self.setup.breaker_inside
            && let Some(breaker) = &mut self.setup.breaker
            && !breaker.lets_in(now, &mut self.chance)
        {
            return self.done(now, id, false);
        }
        self.calls[id].made += 1;
        let attempt = self.meet(now, id);
        self.attempts.push(attempt);
        let ended = attempt.ended_ns.max(now);
        self.push(ended, What::Over(id, self.attempts.len() - 1));
    }
}

impl World {
    /// What becomes of an attempt: the network, the server, the fault, and the caller's patience.
    fn meet(&mut self, now: u64, id: usize) -> Attempt {
        let call = self.calls[id];
        let fault = self.setup.fault.filter(|(_, share, from, to)| {
            let second = (now - START) as f64 / 1e9;
            (*from..*to).contains(&second) && self.chance.clone().happens(*share)
        });
        self.chance.next();
        let until = fault.map_or(0, |(_, _, _, to)| START + ns(to * 1e3));
        let kind = fault.map(|it| it.0);
        let known = match self.setup.keep_alive && kind != Some(FaultKind::Refuse) {
            true => self.idle_connections.pop_back(),
            false => None,
        };
        let connection = known.unwrap_or_else(|| {
            self.cookies += 1;
            self.cookies
        });
        let slow = match kind {
            Some(FaultKind::Delay) => self.setup.delay,
            _ => 0.0,
        };
        let trip = 0.1 + self.chance.exponential(0.05);
        let connect = match (known, kind) {
            (Some(_), _) => 0.0,
            (None, Some(FaultKind::Blackhole)) => after_retransmits(now, until, 1_000.0),
            (None, _) => trip + slow,
        };
        let took = self.chance.lognormal(self.setup.latency, self.setup.sigma);
        let (answer, mut outcome) = answered(kind, now, until, took, slow, trip);
        let mut attempt = Attempt {
            service: 42,
            tid: self.tid(call.worker),
            connection,
            dependency: MAIN,
            new_connection: known.is_none(),
            faulted: fault.is_some(),
            ..Attempt::default()
        };
        if kind == Some(FaultKind::Refuse) {
            attempt.began_ns = now;
            attempt.ended_ns = now + ns(trip);
            (attempt.outcome, attempt.phase) = (Outcome::Refused, Phase::Connect);
            return attempt;
        }
        let left = |limit: Option<f64>, from: u64| limit.map(|it| from + ns(it));
        let late = ns(self.chance.late_ms());
        let whole = [
            left(self.setup.total_timeout, now),
            left(self.setup.deadline, call.first),
        ];
        let whole = whole.into_iter().flatten().min();
        let patience = [left(self.setup.connect_timeout, now), whole]
            .into_iter()
            .flatten()
            .min();
        if let Some(until) = patience.filter(|it| *it < now + ns(connect)) {
            attempt.began_ns = now;
            attempt.ended_ns = until + late;
            (attempt.outcome, attempt.phase) = (Outcome::ConnectTimeout, Phase::Connect);
            self.gave_up(until, call.first);
            return attempt;
        }
        let began = now + ns(connect);
        let mut ended = began + ns(answer);
        let patience = [left(self.setup.read_timeout, began), whole]
            .into_iter()
            .flatten()
            .min();
        if let Some(until) = patience.filter(|it| *it < ended) {
            ended = until + late;
            outcome = Outcome::Abandoned;
            self.gave_up(until, call.first);
        }
        attempt.connect_ns = began - now;
        (attempt.began_ns, attempt.ended_ns) = (began, ended);
        attempt.fingerprint = call.request;
        attempt.outcome = outcome;
        attempt.status = status(outcome, self.setup.status);
        attempt
    }

    fn tid(&self, worker: usize) -> u32 {
        match self.setup.demand {
            Demand::Workers { threads: true, .. } => 4_200 + worker as u32,
            Demand::Once => 4_200,
            _ => 0,
        }
    }

    fn gave_up(&mut self, until: u64, first: u64) {
        let by_deadline = self
            .setup
            .deadline
            .is_some_and(|it| first + ns(it) == until);
        match by_deadline {
            true => self.facts.deadlines += 1,
            false => self.facts.timeouts += 1,
        }
    }

    fn over(&mut self, now: u64, id: usize, attempt: usize) {
        let attempt = self.attempts[attempt];
        self.lines.push(Line::Attempt(attempt));
        let well = !attempt.outcome.failed();
        self.facts.failures += u32::from(!well);
        if matches!(attempt.outcome, Outcome::Ok | Outcome::Error) && self.setup.keep_alive {
            self.idle_connections.push_back(attempt.connection);
        }
        if self.setup.breaker_inside
            && let Some(breaker) = &mut self.setup.breaker
        {
            breaker.report(now, well);
        }
        let call = self.calls[id];
        let wait = self.setup.wait.after(call.made, &mut self.chance);
        let next = now + ns(wait + self.chance.late_ms() + self.chance.between(0.05, 0.6));
        let in_time = self
            .setup
            .deadline
            .is_none_or(|it| next < call.first + ns(it));
        if !well && call.made < self.setup.attempts && in_time {
            self.facts.retries += 1;
            return self.push(next, What::Try(id));
        }
        self.facts.exhausted += u32::from(!well && call.made == self.setup.attempts);
        if !self.setup.breaker_inside
            && let Some(breaker) = &mut self.setup.breaker
        {
            breaker.report(now, well);
        }
        if let Some(throttle) = &mut self.setup.throttle {
            throttle.report(now, well);
        }
        self.done(now, id, well);
    }

    /// A call's end, whatever came of it.
    fn done(&mut self, now: u64, id: usize, well: bool) {
        if self.calls[id].holds_place {
            self.calls[id].holds_place = false;
            self.in_flight -= 1;
            if let Some(next) = self.waiting.pop_front() {
                self.in_flight += 1;
                self.calls[next].holds_place = true;
                let soon = now + ns(self.chance.between(0.02, 0.5));
                self.push(soon, What::Try(next));
            }
        }
        let mut well = well;
        let mut at = now + ns(self.chance.between(0.1, 0.5));
        if !well && self.setup.alternate {
            let took = self.chance.lognormal(4.0, 0.3);
            self.other(OTHER, at, took, id);
            at += ns(took);
            (well, self.facts.fell_back) = (true, self.facts.fell_back + 1);
        } else if !well && self.setup.fallback {
            (well, self.facts.fell_back) = (true, self.facts.fell_back + 1);
        }
        if self.calls[id].inbound.is_some() {
            return self.push(
                at,
                What::Answer(id, well, if well { 200 } else { self.setup.status }),
            );
        }
        if let Demand::Workers { pause, random, .. } = self.setup.demand {
            let pause = match random {
                true => self.chance.exponential(pause),
                false => pause,
            };
            let late = if pause > 0.0 {
                self.chance.late_ms()
            } else {
                0.05
            };
            let worker = self.calls[id].worker;
            self.push(now + ns(pause + late), What::Demand(worker));
        }
    }

    fn answer(&mut self, now: u64, id: usize, well: bool, status: u16) {
        let Some((began, connection)) = self.calls[id].inbound else {
            return;
        };
        self.serving -= 1;
        let call = Inbound {
            service: 42,
            connection,
            began_ns: began,
            ended_ns: now,
            outcome: if well { Outcome::Ok } else { Outcome::Error },
            status: Some(status),
            fingerprint: 11,
        };
        self.lines.push(Line::Inbound(call));
        if let Demand::Workers { pause, .. } = self.setup.demand {
            let worker = self.calls[id].worker;
            self.push(now + ns(pause + 0.3), What::Demand(worker));
        }
    }
}

/// How long until a retransmission gets through that is sent after the way is free, in ms.
fn after_retransmits(now: u64, free: u64, first_ms: f64) -> f64 {
    let blocked = free.saturating_sub(now) as f64 / 1e6;
    let (mut at, mut step) = (0.0, first_ms);
    while at < blocked {
        at += step;
        step = (step * 2.0).min(120_000.0);
    }
    at
}

/// How long the answer takes, in ms, and what it is.
fn answered(
    kind: Option<FaultKind>,
    now: u64,
    until: u64,
    took: f64,
    slow: f64,
    trip: f64,
) -> (f64, Outcome) {
    match kind {
        Some(FaultKind::Blackhole) => (after_retransmits(now, until, 210.0) + took, Outcome::Ok),
        Some(FaultKind::Reset) => (trip, Outcome::Reset),
        Some(FaultKind::Errors) => (took, Outcome::Error),
        _ => (took + slow, Outcome::Ok),
    }
}

fn status(outcome: Outcome, of_errors: u16) -> Option<u16> {
    match outcome {
        Outcome::Ok => Some(200),
        Outcome::Error => Some(of_errors),
        _ => None,
    }
}
