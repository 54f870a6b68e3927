//! The policy somebody says a service has, in TOML, and how what was measured differs from it.

mod reading;

use super::finding::{Backoff, Findings, Jitter, Verdict};

pub use reading::read;

/// How far apart two figures are the same: timers are late, and nominal values are rounded.
const SAME: f64 = 0.1;
/// The same for times, in milliseconds.
const SAME_MS: f64 = 10.0;

/// What is said of one dependency; what isn't named isn't compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The dependency's name, as the user knows it.
    pub name: String,
    /// Each pattern: there or not.
    pub timeout: Option<Said<f64>>,
    /// See [`Tries`].
    pub retry: Option<Said<Tries>>,
    /// See [`Breaker`].
    pub circuit_breaker: Option<Said<Breaker>>,
    /// The limit.
    pub bulkhead: Option<Said<u32>>,
    /// Whether the service does without the dependency.
    pub fallback: Option<bool>,
    /// Whether the service refuses calls under overload.
    pub load_shedding: Option<bool>,
}

/// That a pattern isn't there; or that it is, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Said<T> {
    /// It isn't.
    No,
    /// It is.
    Yes(T),
}

/// A declared retry policy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tries {
    /// Attempts, the first one included.
    pub attempts: Option<u32>,
    /// How waits grow.
    pub backoff: Option<Backoff>,
    /// The first wait, in milliseconds.
    pub base_ms: Option<f64>,
    /// By what waits grow.
    pub multiplier: Option<f64>,
    /// The longest wait, in milliseconds.
    pub cap_ms: Option<f64>,
    /// How waits differ.
    pub jitter: Option<Jitter>,
}

/// A declared circuit breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Breaker {
    /// Failures that open it.
    pub failures: Option<u32>,
    /// How long it stays open, in milliseconds.
    pub open_ms: Option<f64>,
    /// Calls let through to see.
    pub probes: Option<u32>,
}

/// What was declared beside what was measured.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Difference {
    /// Which pattern, or which of its parameters: `retry`, `retry.attempts`.
    pub what: &'static str,
    /// As declared.
    pub declared: String,
    /// As measured.
    pub measured: String,
    /// Whether they agree.
    pub agreement: Agreement,
}

/// Whether what was declared is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// It is.
    Same,
    /// It isn't.
    Differs,
    /// It wasn't seen.
    Unknown,
}

/// Compares all that is declared with what was measured.
pub fn compare(policy: &Policy, found: &Findings) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut note = |it: Difference| all.push(it);
    if let Some(said) = policy.timeout {
        let yes = presence(
            "timeout",
            matches!(said, Said::Yes(_)),
            found.timeout.ground.verdict,
        );
        note(yes);
        if let Said::Yes(declared) = said {
            number(
                "timeout.value",
                Some(declared),
                found.timeout.value_ms,
                SAME_MS,
                &mut note,
            );
        }
    }
    if let Some(said) = policy.retry {
        let yes = matches!(said, Said::Yes(_));
        note(presence("retry", yes, found.retry.ground.verdict));
        if let Said::Yes(tries) = said {
            compare_tries(&tries, found, &mut note);
        }
    }
    if let Some(said) = policy.circuit_breaker {
        let yes = matches!(said, Said::Yes(_));
        note(presence(
            "circuit_breaker",
            yes,
            found.circuit_breaker.ground.verdict,
        ));
        if let Said::Yes(breaker) = said {
            compare_breaker(&breaker, found, &mut note);
        }
    }
    if let Some(said) = policy.bulkhead {
        let yes = matches!(said, Said::Yes(_));
        note(presence("bulkhead", yes, found.bulkhead.ground.verdict));
        if let Said::Yes(limit) = said {
            let measured = found.bulkhead.limit;
            exactly("bulkhead.limit", Some(limit), measured, &mut note);
        }
    }
    if let Some(yes) = policy.fallback {
        note(presence("fallback", yes, found.fallback.ground.verdict));
    }
    if let Some(yes) = policy.load_shedding {
        note(presence(
            "load_shedding",
            yes,
            found.load_shedding.ground.verdict,
        ));
    }
    all
}

fn compare_tries(tries: &Tries, found: &Findings, note: &mut impl FnMut(Difference)) {
    let retry = &found.retry;
    exactly("retry.attempts", tries.attempts, retry.attempts_max, note);
    let backoff = Some(retry.backoff).filter(|it| *it != Backoff::Unknown);
    kind("retry.backoff", tries.backoff, backoff, note);
    number("retry.base", tries.base_ms, retry.base_ms, SAME_MS, note);
    number(
        "retry.multiplier",
        tries.multiplier,
        retry.multiplier,
        0.0,
        note,
    );
    number("retry.cap", tries.cap_ms, retry.cap_ms, SAME_MS, note);
    let jitter = Some(retry.jitter).filter(|it| *it != Jitter::Unknown);
    kind("retry.jitter", tries.jitter, jitter, note);
}

fn compare_breaker(breaker: &Breaker, found: &Findings, note: &mut impl FnMut(Difference)) {
    let measured = &found.circuit_breaker;
    exactly(
        "circuit_breaker.failures",
        breaker.failures,
        measured.failures_to_open,
        note,
    );
    number(
        "circuit_breaker.open",
        breaker.open_ms,
        measured.open_ms,
        SAME_MS,
        note,
    );
    exactly(
        "circuit_breaker.probes",
        breaker.probes,
        measured.half_open_probes,
        note,
    );
}

fn presence(what: &'static str, declared: bool, verdict: Verdict) -> Difference {
    let word = |there: bool| match there {
        true => "there",
        false => "not there",
    };
    let measured = match verdict {
        Verdict::Observed => Some(true),
        Verdict::Absent => Some(false),
        Verdict::Unknown => None,
    };
    Difference {
        what,
        declared: word(declared).to_owned(),
        measured: measured.map_or("unknown", word).to_owned(),
        agreement: agreement(measured.map(|it| it == declared)),
    }
}

fn agreement(same: Option<bool>) -> Agreement {
    match same {
        Some(true) => Agreement::Same,
        Some(false) => Agreement::Differs,
        None => Agreement::Unknown,
    }
}

fn number(
    what: &'static str,
    declared: Option<f64>,
    measured: Option<f64>,
    slack: f64,
    note: &mut impl FnMut(Difference),
) {
    let Some(declared) = declared else { return };
    let told = |value: f64| format!("{}", (value * 100.0).round() / 100.0);
    note(Difference {
        what,
        declared: told(declared),
        measured: measured.map_or("unknown".to_owned(), told),
        agreement: agreement(
            measured.map(|it| (it - declared).abs() <= (declared * SAME).max(slack)),
        ),
    });
}

fn exactly(
    what: &'static str,
    declared: Option<u32>,
    measured: Option<u32>,
    note: &mut impl FnMut(Difference),
) {
    let Some(declared) = declared else { return };
    note(Difference {
        what,
        declared: declared.to_string(),
        measured: measured.map_or("unknown".to_owned(), |it| it.to_string()),
        agreement: agreement(measured.map(|it| it == declared)),
    });
}

fn kind<T: PartialEq + std::fmt::Debug>(
    what: &'static str,
    declared: Option<T>,
    measured: Option<T>,
    note: &mut impl FnMut(Difference),
) {
    let Some(declared) = declared else { return };
    note(Difference {
        what,
        declared: format!("{declared:?}").to_lowercase(),
        measured: measured
            .as_ref()
            .map_or("unknown".to_owned(), |it| format!("{it:?}").to_lowercase()),
        agreement: agreement(measured.map(|it| it == declared)),
    });
}
