//! How a dependency's caller deals with failures, in one line: its breaker, its bulkhead, its
//! retries.

use ratatui::text::Span;

use super::Scene;
use crate::snapshot::{Breaker, DependencyView};
use crate::tui::figures;
use crate::tui::theme::Role;

/// What is known of that.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// Whether a fault is armed on it.
    pub faulted: bool,
    /// State of the circuit breaker, where one showed.
    pub breaker: Option<Breaker>,
    /// Calls that wait, and the most that did.
    pub in_flight: (u32, u32),
    /// The most that the bulkhead lets wait, where one showed.
    pub limit: Option<u32>,
    /// Most attempts of a logical call, where it was seen to retry.
    pub attempts_max: Option<u32>,
    /// Attempts over logical calls, while calls failed.
    pub amplification: Option<f64>,
}

impl Facts {
    /// Those of a dependency.
    pub fn of(dependency: &DependencyView) -> Self {
        Self {
            faulted: dependency.faulted,
            breaker: dependency.breaker,
            in_flight: (dependency.in_flight, dependency.in_flight_max),
            limit: dependency.limit,
            attempts_max: dependency.attempts_max,
            amplification: dependency.amplification,
        }
    }

    /// Whether they are worth a row of their own.
    pub fn are_telling(&self) -> bool {
        self.faulted
            || self.breaker.is_some()
            || self.limit.is_some()
            || self.attempts_max.is_some()
            || self.amplification.is_some()
    }
}

/// What stands for a breaker's state.
pub fn symbol(breaker: Breaker) -> &'static str {
    match breaker {
        Breaker::Closed => "●",
        Breaker::HalfOpen => "◐",
        Breaker::Open => "○",
    }
}

/// As many of the facts as fit, the weightiest first.
pub fn spans(
    scene: &Scene,
    facts: &Facts,
    p99_before_us: Option<u64>,
    width: usize,
) -> Vec<Span<'static>> {
    let mut left = width;
    let mut spans = Vec::new();
    for (text, role) in words(facts, p99_before_us) {
        let gap = if spans.is_empty() { "" } else { " · " };
        let needed = gap.chars().count() + text.chars().count();
        if needed > left {
            break;
        }
        left -= needed;
        spans.push(Span::styled(gap, scene.style(Role::Quiet)));
        spans.push(Span::styled(text, scene.style(role)));
    }
    spans
}

fn words(facts: &Facts, p99_before_us: Option<u64>) -> Vec<(String, Role)> {
    let mut words = Vec::new();
    if let Some(breaker) = facts.breaker {
        let (name, role) = match breaker {
            Breaker::Closed => ("closed", Role::Text),
            Breaker::HalfOpen => ("half open", Role::Warning),
            Breaker::Open => ("open", Role::Warning),
        };
        words.push((format!("{} breaker {name}", symbol(breaker)), role));
    }
    let (now, most) = facts.in_flight;
    words.push(match facts.limit {
        Some(limit) if now >= limit => (format!("in flight {now}/{limit} full"), Role::Bad),
        Some(limit) => (format!("in flight {now}/{limit}"), Role::Text),
        None => (format!("in flight {now} of {most}"), Role::Text),
    });
    match (facts.amplification, facts.attempts_max) {
        (Some(times), Some(most)) => {
            let text = format!("retries {} max {most}", figures::times(times));
            words.push((text, Role::Text));
        }
        (Some(times), None) => {
            words.push((format!("retries {}", figures::times(times)), Role::Text))
        }
        (None, Some(most)) => words.push((format!("retries max {most}"), Role::Text)),
        (None, None) => {}
    }
    if let Some(before) = p99_before_us {
        let text = format!("p99 before {}", figures::latency(before));
        words.push((text, Role::Quiet));
    }
    words
}
