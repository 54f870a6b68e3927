//! What the detectors say: verdicts, parameters, and what they rest on.

use serde::{Deserialize, Serialize};

use super::attempt::{Outcome, Phase};

/// Whether a pattern showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It fired.
    Observed,
    /// It had every chance to, and did not.
    Absent,
    /// It had no chance, or there is too little to tell by.
    #[default]
    Unknown,
}

/// A call that a finding rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// The connection's cookie.
    pub connection: u64,
    /// When it began.
    pub began_ns: u64,
    /// When it ended.
    pub ended_ns: u64,
    /// How.
    pub outcome: Outcome,
}

/// A verdict, how sure it is, and what it rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ground {
    /// Whether the pattern showed.
    pub verdict: Verdict,
    /// How many observations speak for it.
    pub samples: u64,
    /// From 0 to 1.
    pub confidence: f64,
    /// In a sentence.
    pub evidence: String,
    /// The very calls, a few of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exhibits: Vec<Exhibit>,
}

/// Calls shown with a finding.
const MOST_EXHIBITS: usize = 24;

impl Ground {
    /// Says that it can't be told, and why.
    pub(super) fn unknown(evidence: impl Into<String>) -> Self {
        Self {
            evidence: evidence.into(),
            ..Self::default()
        }
    }

    /// Says that it had every chance and did not fire; `samples` chances.
    pub(super) fn absent(samples: usize, evidence: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Absent,
            samples: samples as u64,
            confidence: surer_with(samples),
            evidence: evidence.into(),
            exhibits: Vec::new(),
        }
    }

    /// Says that it fired; `samples` times.
    pub(super) fn observed(samples: usize, evidence: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Observed,
            ..Self::absent(samples, evidence)
        }
    }

    /// Takes the calls it rests on.
    pub(super) fn showing(mut self, calls: impl IntoIterator<Item = Exhibit>) -> Self {
        self.exhibits = calls.into_iter().take(MOST_EXHIBITS).collect();
        self
    }

    /// As sure as that and no surer.
    pub(super) fn at_most(mut self, confidence: f64) -> Self {
        self.confidence = self.confidence.min(confidence);
        self
    }
}

/// Laplace's rule of succession for `samples` that agree and none that doesn't, never quite 1.
fn surer_with(samples: usize) -> f64 {
    let n = samples as f64;
    (((n + 1.0) / (n + 2.0)).min(0.99) * 100.0).round() / 100.0
}

/// How long callers wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeout {
    /// Whether they give up.
    #[serde(flatten)]
    pub ground: Ground,
    /// After how long.
    pub value_ms: Option<f64>,
    /// Waiting for what.
    pub phase: Option<Phase>,
    /// Whether the time is for each attempt, or for a logical call with all its attempts.
    pub scope: Option<Scope>,
    /// Other values that show as well.
    pub others_ms: Vec<f64>,
}

/// What a timeout is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Each attempt has it anew.
    Attempt,
    /// All attempts of a logical call share it.
    Call,
}

/// How waits grow from attempt to attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// At once.
    None,
    /// All alike.
    Fixed,
    /// By as much each time.
    Linear,
    /// By a factor.
    Exponential,
    /// Can't be told.
    #[default]
    Unknown,
}

impl Backoff {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Fixed => "fixed",
            Self::Linear => "linear",
            Self::Exponential => "exponential",
            Self::Unknown => "unknown",
        }
    }
}

/// How waits of the same attempt number differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// They don't.
    None,
    /// Anything from nothing to the nominal wait.
    Full,
    /// Around the nominal wait, or in a part below it.
    Partial,
    /// Can't be told.
    #[default]
    Unknown,
}

impl Jitter {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Full => "full",
            Self::Partial => "partial",
            Self::Unknown => "unknown",
        }
    }
}

/// How attempts follow failed ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retry {
    /// Whether they do.
    #[serde(flatten)]
    pub ground: Ground,
    /// Most attempts of a logical call.
    pub attempts_max: Option<u32>,
    /// How waits grow.
    pub backoff: Backoff,
    /// The first wait that is one.
    pub base_ms: Option<f64>,
    /// By what waits grow.
    pub multiplier: Option<f64>,
    /// What waits don't outgrow.
    pub cap_ms: Option<f64>,
    /// How waits differ.
    pub jitter: Jitter,
    /// Attempts over logical calls, while calls failed.
    pub amplification: Option<f64>,
    /// More than twice the calls, while they failed.
    pub storm: bool,
}

/// A state of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Calls pass.
    Closed,
    /// None does.
    Open,
    /// Some do.
    HalfOpen,
}

/// A change of a breaker's state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// When, by the kernel's monotonic clock.
    pub at_ns: u64,
    /// To what.
    pub state: State,
    /// Which share of the calls passes, where it is neither none nor all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

/// Calls that stop while demand goes on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CircuitBreaker {
    /// Whether they do.
    #[serde(flatten)]
    pub ground: Ground,
    /// Failed attempts before it opened.
    pub failures_to_open: Option<u32>,
    /// How long it stays open.
    pub open_ms: Option<f64>,
    /// Attempts it lets through to see.
    pub half_open_probes: Option<u32>,
    /// What share it lets through, where it closes part of the way.
    pub share: Option<f64>,
    /// Its states.
    pub transitions: Vec<Transition>,
}

/// Calls in flight that stop at a limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bulkhead {
    /// Whether they do.
    #[serde(flatten)]
    pub ground: Ground,
    /// The limit.
    pub limit: Option<u32>,
    /// Dependencies that went on as before.
    pub isolates: Vec<u32>,
}

/// A service that does without a dependency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fallback {
    /// Whether it does.
    #[serde(flatten)]
    pub ground: Ground,
    /// Share of its own calls that went well while the dependency failed.
    pub success_rate: Option<f64>,
    /// The dependency that took over.
    pub alternate: Option<u32>,
}

/// A service that refuses some to serve the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadShedding {
    /// Whether it does.
    #[serde(flatten)]
    pub ground: Ground,
    /// Share of inbound calls refused.
    pub shed_rate: Option<f64>,
    /// How long refusing takes.
    pub shed_p99_ms: Option<f64>,
    /// How long the others take.
    pub admitted_p99_ms: Option<f64>,
}

impl Findings {
    /// What is told of each pattern, by its name in JSON.
    pub fn grounds(&self) -> [(&'static str, &Ground); 6] {
        [
            ("timeout", &self.timeout.ground),
            ("retry", &self.retry.ground),
            ("circuit_breaker", &self.circuit_breaker.ground),
            ("bulkhead", &self.bulkhead.ground),
            ("fallback", &self.fallback.ground),
            ("load_shedding", &self.load_shedding.ground),
        ]
    }

    /// Keeps what was told before, where nothing is known any more: the calls that it rested on
    /// may be gone from the record.
    pub(super) fn keep(&mut self, before: &Self) {
        fn keep<T: Clone>(now: &mut T, before: &T, ground: impl Fn(&T) -> &Ground) {
            let is_weaker = match (ground(before).verdict, ground(now).verdict) {
                (Verdict::Observed, it) => it != Verdict::Observed,
                (Verdict::Absent, it) => it == Verdict::Unknown,
                (Verdict::Unknown, _) => false,
            };
            if is_weaker {
                now.clone_from(before);
            }
        }
        keep(&mut self.timeout, &before.timeout, |it| &it.ground);
        keep(&mut self.retry, &before.retry, |it| &it.ground);
        keep(&mut self.circuit_breaker, &before.circuit_breaker, |it| {
            &it.ground
        });
        keep(&mut self.bulkhead, &before.bulkhead, |it| &it.ground);
        keep(&mut self.fallback, &before.fallback, |it| &it.ground);
        keep(&mut self.load_shedding, &before.load_shedding, |it| {
            &it.ground
        });
    }
}

/// Everything about one service and one of its dependencies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// The process.
    pub service: u32,
    /// The dependency, in the feeder's numbers.
    pub dependency: u32,
    /// See [`Timeout`].
    pub timeout: Timeout,
    /// See [`Retry`].
    pub retry: Retry,
    /// See [`CircuitBreaker`].
    pub circuit_breaker: CircuitBreaker,
    /// See [`Bulkhead`].
    pub bulkhead: Bulkhead,
    /// See [`Fallback`].
    pub fallback: Fallback,
    /// See [`LoadShedding`].
    pub load_shedding: LoadShedding,
}
