//! What a simulated service and its calls are like, and what is counted of them.

use super::policies::{Breaker, Throttle, Wait};
use crate::pattern::ledger::FaultKind;

/// What makes the service call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Demand {
    /// So many workers, each with a pause after each call; whether threads have ids.
    Workers {
        count: usize,
        pause: f64,
        random: bool,
        threads: bool,
    },
    /// A call each so many milliseconds, whatever became of the others.
    Ticks { period: f64 },
    /// Calls at random, so many a second.
    Random { rate: f64 },
    /// As many calls at once every so often.
    Bursts { size: usize, every: f64 },
    /// One call only.
    Once,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Requests {
    /// Each call makes another one.
    Each,
    /// One of so many.
    Few(u64),
    /// Always the same.
    Same,
}

/// Everything about the service and its calls.
#[derive(Clone, Debug)]
pub struct Setup {
    pub demand: Demand,
    /// Calls come from callers of the service, and are answered.
    pub inbound: bool,
    /// Another dependency is asked first for each inbound call.
    pub beside: bool,
    pub requests: Requests,
    pub keep_alive: bool,
    /// Times in milliseconds.
    pub connect_timeout: Option<f64>,
    pub read_timeout: Option<f64>,
    /// For an attempt with its connecting.
    pub total_timeout: Option<f64>,
    /// For a call with all its attempts.
    pub deadline: Option<f64>,
    pub attempts: u32,
    pub wait: Wait,
    pub breaker: Option<Breaker>,
    /// The breaker is asked for each attempt, not for each call.
    pub breaker_inside: bool,
    pub throttle: Option<Throttle>,
    pub limit: Option<usize>,
    /// Calls beyond the limit wait instead of failing.
    pub queues: bool,
    pub fallback: bool,
    pub alternate: bool,
    /// Most inbound calls served at once before others are refused.
    pub admits: Option<usize>,
    /// The demand grows by this factor while it lasts (from, to, in s).
    pub surge: Option<(f64, f64, f64)>,
    pub latency: f64,
    pub sigma: f64,
    /// What the fault does, to what share of the calls, from when until when (s).
    pub fault: Option<(FaultKind, f64, f64, f64)>,
    pub delay: f64,
    pub lasts: f64,
    /// When the caller dies or goes idle (s).
    pub dies: Option<f64>,
    pub idle: Option<(f64, f64)>,
    pub status: u16,
}

/// What really happened.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub timeouts: u32,
    pub deadlines: u32,
    pub retries: u32,
    pub exhausted: u32,
    pub kept_out: u32,
    pub fell_back: u32,
    pub shed: u32,
    pub admitted: u32,
    pub failures: u32,
}
