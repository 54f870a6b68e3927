//! What is remembered of a service: its links to its dependencies, the calls it got itself, and how
//! many of each there were in every quarter of a second.

use std::collections::{BTreeMap, VecDeque};

use super::attempt::{Attempt, Gauge, Inbound};
use super::finding::Findings;
use super::tape::Tape;

/// Inbound calls remembered; the oldest go first.
const MOST_INBOUND: usize = 4_096;
/// Links of a service; later ones are not followed.
const MOST_LINKS: usize = 256;
/// A quarter of a second.
pub(super) const BEAT_NS: u64 = 250_000_000;
/// Beats remembered: a little over four minutes.
const MOST_BEATS: usize = 1_024;

/// What began in one beat.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beat {
    pub(super) began: u32,
    pub(super) failed: u32,
    /// Sum of the natural logarithms of waits in µs: their geometric mean is robust to a long tail.
    pub(super) log_wait: f32,
}

/// Counts of what began, beat by beat.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse {
    /// Number of the first beat.
    first: u64,
    beats: VecDeque<Beat>,
}

impl Pulse {
    pub(super) fn count(&mut self, began_ns: u64, wait_ns: u64, failed: bool) {
        let number = began_ns / BEAT_NS;
        if self.beats.is_empty() {
            self.first = number;
        }
        if number < self.first {
            return;
        }
        if number - self.first > 4 * MOST_BEATS as u64 {
            self.beats.clear();
            self.first = number;
        }
        while self.first + self.beats.len() as u64 <= number {
            self.beats.push_back(Beat::default());
        }
        while self.beats.len() > MOST_BEATS {
            self.beats.pop_front();
            self.first += 1;
        }
        let Some(beat) = number
            .checked_sub(self.first)
            .and_then(|at| self.beats.get_mut(at as usize))
        else {
            return;
        };
        beat.began += 1;
        beat.failed += u32::from(failed);
        beat.log_wait += (wait_ns.max(1_000) as f32 / 1e3).ln();
    }

    /// Adds all that another counted, as far as it is remembered here.
    fn absorb(&mut self, other: &Self) {
        for (number, beat) in (other.first..).zip(&other.beats) {
            if self.beats.is_empty() {
                self.first = number;
            }
            while number < self.first && self.beats.len() < MOST_BEATS {
                self.beats.push_front(Beat::default());
                self.first -= 1;
            }
            while self.first + self.beats.len() as u64 <= number && self.beats.len() < MOST_BEATS {
                self.beats.push_back(Beat::default());
            }
            let at = number.wrapping_sub(self.first) as usize;
            if let Some(own) = self.beats.get_mut(at) {
                own.began += beat.began;
                own.failed += beat.failed;
                own.log_wait += beat.log_wait;
            }
        }
    }

    /// The sum over all beats that lie wholly between two moments.
    pub(super) fn between(&self, from_ns: u64, to_ns: u64) -> Beat {
        let (from, to) = (from_ns.div_ceil(BEAT_NS), to_ns / BEAT_NS);
        let mut sum = Beat::default();
        for number in from.max(self.first)..to.min(self.first + self.beats.len() as u64) {
            let beat = self.beats[(number - self.first) as usize];
            sum.began += beat.began;
            sum.failed += beat.failed;
            sum.log_wait += beat.log_wait;
        }
        sum
    }

    /// When the first beat on record began.
    pub(super) fn since(&self) -> u64 {
        self.first * BEAT_NS
    }

    /// When the last beat on record ends.
    pub(super) fn until(&self) -> u64 {
        (self.first + self.beats.len() as u64) * BEAT_NS
    }
}

/// One service's calls to one dependency.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub(super) tape: Tape,
    pub(super) pulse: Pulse,
    pub(super) gauge: Option<Gauge>,
    /// When it was last known that no call is under way.
    pub(super) idle_ns: u64,
    /// Attempts in calm times, and inbound calls in the same times.
    pub(super) calm_attempts: u64,
    pub(super) calm_inbound: u64,
    /// Until when trouble lasts, as far as is known.
    pub(super) troubled_until: u64,
    /// What was said last, and of what.
    pub(super) last: Option<Last>,
}

/// What was said of a link last.
#[derive(Clone, Debug)]
pub(super) struct Last {
    /// The version of what it was said of.
    pub(super) version: u64,
    /// When.
    pub(super) at_ns: u64,
    /// How many calls had gone from the record by then.
    pub(super) gone: u64,
    pub(super) findings: Findings,
}

impl Link {
    /// Takes in another, which turned out to be the same.
    fn absorb(&mut self, other: Self) {
        self.tape.absorb(other.tape);
        self.pulse.absorb(&other.pulse);
        self.calm_attempts += other.calm_attempts;
        self.calm_inbound = self.calm_inbound.max(other.calm_inbound);
        self.troubled_until = self.troubled_until.max(other.troubled_until);
        // Idle are both only while each is.
        self.idle_ns = self.idle_ns.min(other.idle_ns);
    }

    /// Takes in how many calls are under way; tells whether it is news that some are, or none.
    pub(super) fn read(&mut self, gauge: &Gauge) -> bool {
        let before = self.gauge.replace(*gauge);
        if gauge.in_flight == 0 {
            self.idle_ns = self.idle_ns.max(gauge.at_ns);
        }
        gauge.in_flight > 0 || before.is_some_and(|it| it.in_flight > 0)
    }

    fn observe(&mut self, attempt: &Attempt, fault_on: bool) {
        self.tape.put(attempt, fault_on);
        let wait = attempt.ended_ns.saturating_sub(attempt.began_ns);
        let failed = attempt.outcome.failed();
        self.pulse.count(attempt.began_ns, wait, failed);
        if failed || fault_on || attempt.faulted {
            self.troubled_until = self.troubled_until.max(attempt.ended_ns + 2_000_000_000);
        } else if attempt.ended_ns > self.troubled_until {
            self.calm_attempts += 1;
        }
    }
}

/// A process and everything seen of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Service {
    pub(super) links: BTreeMap<u32, Link>,
    pub(super) inbound: VecDeque<Inbound>,
    pub(super) inbound_pulse: Pulse,
    /// Changes with each inbound call.
    pub(super) version: u64,
    /// When anything was last heard of it.
    pub(super) last_ns: u64,
}

impl Service {
    /// Takes in that what was taken for two dependencies is one.
    pub(super) fn unite(&mut self, gone: u32, into: u32) -> bool {
        let Some(other) = self.links.remove(&gone) else {
            return false;
        };
        match self.links.get_mut(&into) {
            Some(link) => link.absorb(other),
            None => drop(self.links.insert(into, other)),
        }
        true
    }

    /// Takes in an attempt; tells whether there was room to.
    pub(super) fn observe(&mut self, attempt: &Attempt, fault_on: bool) -> bool {
        self.last_ns = self.last_ns.max(attempt.ended_ns);
        if self.links.len() == MOST_LINKS && !self.links.contains_key(&attempt.dependency) {
            return false;
        }
        let link = self.links.entry(attempt.dependency).or_default();
        link.observe(attempt, fault_on);
        true
    }

    /// Takes in a call of its callers'.
    pub(super) fn serve(&mut self, call: &Inbound) {
        self.last_ns = self.last_ns.max(call.ended_ns);
        self.version += 1;
        if self.inbound.len() == MOST_INBOUND {
            self.inbound.pop_front();
        }
        self.inbound.push_back(*call);
        let wait = call.ended_ns.saturating_sub(call.began_ns);
        self.inbound_pulse
            .count(call.began_ns, wait, call.outcome.failed());
        for link in self.links.values_mut() {
            link.calm_inbound += u64::from(call.ended_ns > link.troubled_until);
        }
    }
}
