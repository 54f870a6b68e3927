//! What client libraries do: waits between attempts, and circuit breakers, each as documented by
//! those who made it. They know nothing of the detectors.

use std::collections::VecDeque;

use super::chance::Chance;
use crate::pattern::finding::{Backoff, Jitter};

/// How long to wait before another attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    AtOnce,
    /// tenacity's wait_fixed, and most loops written by hand.
    Fixed(f64),
    /// tenacity's wait_exponential, curl --retry, Polly: base, factor, cap.
    Exponential(f64, f64, f64),
    /// tenacity's wait_incrementing.
    Linear(f64),
    /// urllib3's Retry: nothing, then factor × 2, 4, 8 …
    Urllib3(f64),
    /// tenacity's wait_random_exponential, AWS's full jitter: base, factor, cap.
    Full(f64, f64, f64),
    /// AWS's equal jitter: half of it, and anything up to the whole.
    Equal(f64, f64, f64),
    /// Around it by a share: reqwest-retry, backoff, cenkalti: base, factor, share.
    Around(f64, f64, f64),
}

impl Wait {
    /// The wait after so many failed attempts, in milliseconds.
    pub fn after(self, failed: u32, chance: &mut Chance) -> f64 {
        let power = |factor: f64| factor.powi(failed as i32 - 1);
        match self {
            Self::AtOnce => 0.0,
            Self::Fixed(wait) => wait,
            Self::Exponential(base, factor, cap) => (base * power(factor)).min(cap),
            Self::Linear(base) => base * f64::from(failed),
            Self::Urllib3(_) if failed == 1 => 0.0,
            Self::Urllib3(factor) => factor * power(2.0),
            Self::Full(base, factor, cap) => chance.between(0.0, (base * power(factor)).min(cap)),
            Self::Equal(base, factor, cap) => {
                let whole = (base * power(factor)).min(cap);
                chance.between(whole / 2.0, whole)
            }
            Self::Around(base, factor, share) => {
                base * power(factor) * chance.between(1.0 - share, 1.0 + share)
            }
        }
    }

    pub fn jitter(self) -> Jitter {
        match self {
            Self::Full(..) => Jitter::Full,
            Self::Equal(..) | Self::Around(..) => Jitter::Partial,
            _ => Jitter::None,
        }
    }

    /// What is true of so many attempts: growth, base and multiplier.
    pub fn schedule(self, attempts: u32) -> (Option<Backoff>, Option<f64>, Option<f64>) {
        let (kind, base, factor) = match self {
            Self::AtOnce => return (Some(Backoff::None), None, None),
            Self::Fixed(wait) => (Backoff::Fixed, wait, None),
            Self::Linear(base) => (Backoff::Linear, base, None),
            Self::Urllib3(factor) => (Backoff::Exponential, factor * 2.0, Some(2.0)),
            Self::Exponential(base, factor, cap)
            | Self::Full(base, factor, cap)
            | Self::Equal(base, factor, cap) => {
                let growing = base * factor < cap;
                (Backoff::Exponential, base, Some(factor).filter(|_| growing))
            }
            Self::Around(base, factor, _) => (Backoff::Exponential, base, Some(factor)),
        };
        let waits = attempts - 1 - u32::from(matches!(self, Self::Urllib3(_)));
        match waits {
            0 => (None, None, None),
            1 => (None, Some(base), None),
            // Two waits are on a line as well.
            2 if kind == Backoff::Linear => (None, Some(base), None),
            _ => (Some(kind), Some(base), factor),
        }
    }
}

/// When a breaker opens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trip {
    /// So many failures in a row: pybreaker, gobreaker, failsafe, Polly.
    Consecutive(u32),
    /// A share of failures among the last so many calls, of which there must be a few:
    /// resilience4j's count window.
    Share(f64, usize, usize),
    /// A share of failures in the last so many milliseconds: opossum.
    Rolling(f64, f64),
}

/// A circuit breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    pub trip: Trip,
    pub open_ms: f64,
    /// Calls let through when half open, all of which must go well to close it.
    pub probes: u32,
    /// Milliseconds over which it lets in more and more after closing.
    pub ramp_ms: f64,
    state: Mode,
    recent: VecDeque<(u64, bool)>,
    in_a_row: u32,
    since: u64,
    /// Times it opened and closed.
    pub opened: Vec<u64>,
    pub closed: Vec<u64>,
    /// Calls it kept from being made, since it last opened and in all.
    pub refused: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Closed,
    Open(u64),
    HalfOpen { let_in: u32, well: u32 },
    Ramp(u64),
}

impl Breaker {
    pub fn new(trip: Trip, open_ms: f64, probes: u32, ramp_ms: f64) -> Self {
        Self {
            trip,
            open_ms,
            probes,
            ramp_ms,
            state: Mode::Closed,
            recent: VecDeque::new(),
            in_a_row: 0,
            since: 0,
            opened: Vec::new(),
            closed: Vec::new(),
            refused: 0,
        }
    }

    /// Whether a call may be made, and the breaker's generation.
    pub fn lets_in(&mut self, now: u64, chance: &mut Chance) -> bool {
        if let Mode::Open(until) = self.state
            && now >= until
        {
            self.state = Mode::HalfOpen { let_in: 0, well: 0 };
            self.since = now;
        }
        // Calls of which nothing is heard don't keep it half open for ever.
        if matches!(self.state, Mode::HalfOpen { .. })
            && now > self.since + (self.open_ms * 3e6) as u64
        {
            self.state = Mode::HalfOpen { let_in: 0, well: 0 };
            self.since = now;
        }
        let yes = match &mut self.state {
            Mode::Closed => true,
            Mode::Open(_) => false,
            Mode::HalfOpen { let_in, .. } => {
                *let_in += 1;
                *let_in <= self.probes
            }
            Mode::Ramp(since) => {
                let share = 0.1 + (now - *since) as f64 / 1e6 / self.ramp_ms;
                if share >= 1.0 {
                    self.state = Mode::Closed;
                }
                chance.happens(share)
            }
        };
        self.refused += u32::from(!yes);
        yes
    }

    /// Takes note of a call's end.
    pub fn report(&mut self, now: u64, well: bool) {
        match &mut self.state {
            Mode::Open(_) => {}
            Mode::HalfOpen { .. } if !well => self.open(now),
            Mode::HalfOpen { well: count, .. } => {
                *count += 1;
                if *count >= self.probes {
                    self.closed.push(now);
                    self.recent.clear();
                    self.in_a_row = 0;
                    self.state = match self.ramp_ms > 0.0 {
                        true => Mode::Ramp(now),
                        false => Mode::Closed,
                    };
                }
            }
            Mode::Closed | Mode::Ramp(_) => {
                self.in_a_row = if well { 0 } else { self.in_a_row + 1 };
                self.recent.push_back((now, well));
                if self.trips(now) {
                    self.open(now);
                }
            }
        }
    }

    fn trips(&mut self, now: u64) -> bool {
        let share = |recent: &VecDeque<(u64, bool)>| {
            recent.iter().filter(|it| !it.1).count() as f64 / recent.len() as f64
        };
        match self.trip {
            Trip::Consecutive(n) => self.in_a_row >= n,
            Trip::Share(most, window, least) => {
                while self.recent.len() > window {
                    self.recent.pop_front();
                }
                self.recent.len() >= least && share(&self.recent) >= most
            }
            Trip::Rolling(most, window_ms) => {
                let since = now.saturating_sub((window_ms * 1e6) as u64);
                while self.recent.front().is_some_and(|it| it.0 < since) {
                    self.recent.pop_front();
                }
                self.recent.len() >= 5 && share(&self.recent) > most
            }
        }
    }

    fn open(&mut self, now: u64) {
        self.opened.push(now);
        self.recent.clear();
        self.in_a_row = 0;
        self.state = Mode::Open(now + (self.open_ms * 1e6) as u64);
    }
}

/// Google's client-side throttling (SRE book, 21): refuses the more, the less is accepted.
#[derive(Clone, Debug, Default)]
pub struct Throttle {
    recent: VecDeque<(u64, bool)>,
    pub refused: u32,
    pub let_in: u32,
}

impl Throttle {
    pub fn lets_in(&mut self, now: u64, chance: &mut Chance) -> bool {
        while self
            .recent
            .front()
            .is_some_and(|it| it.0 + 20_000_000_000 < now)
        {
            self.recent.pop_front();
        }
        let accepted = self.recent.iter().filter(|it| it.1).count() as f64;
        let all = self.recent.len() as f64;
        // Some of the traffic always goes, to find out.
        let refuse = ((all - 1.5 * accepted) / (all + 1.0)).clamp(0.0, 0.8);
        let yes = !chance.happens(refuse);
        if yes {
            self.let_in += 1;
        } else {
            self.refused += 1;
            self.recent.push_back((now, false));
        }
        yes
    }

    pub fn report(&mut self, now: u64, well: bool) {
        self.recent.push_back((now, well));
    }
}
