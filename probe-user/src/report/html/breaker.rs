//! States of circuit breakers, as strips along the time.

use super::charts;
use super::frame::Frame;
use crate::pattern::finding::{CircuitBreaker, State};
use crate::pattern::{Sheet, Verdict as Shows};
use crate::report::escape::xml;
use crate::verdict::Verdict;
use crate::verdict::course::{SpanMs, Track};

const HEIGHT: f64 = 66.0;

/// A strip for each caller of a dependency whose breaker was observed; a sentence else.
pub(super) fn strips(verdict: &Verdict, track: &Track) -> String {
    let sheets = verdict.patterns.sheets.iter();
    let callers: Vec<&Sheet> = sheets.filter(|it| it.dependency == track.name).collect();
    if callers.is_empty() {
        return format!("<p>Circuit breaker of {}: unknown.</p>\n", xml(&track.name));
    }
    let one = |(n, sheet): (usize, &&Sheet)| strip(verdict, track, sheet, n);
    callers.iter().enumerate().map(one).collect()
}

fn strip(verdict: &Verdict, track: &Track, sheet: &Sheet, n: usize) -> String {
    let breaker = &sheet.findings.circuit_breaker;
    let name = sheet.name();
    let ground = &breaker.ground;
    if ground.verdict != Shows::Observed || breaker.transitions.is_empty() {
        let shows = crate::report::patterns::verdict(ground.verdict);
        let text = match ground.evidence.as_str() {
            "" => format!("Circuit breaker of {name}: {shows}."),
            evidence => format!("Circuit breaker of {name}: {shows}; {evidence}."),
        };
        return format!("<p>{}</p>\n", xml(&text));
    }
    let course = &verdict.course;
    let states = states(breaker, verdict.started_ns, course.length_ms);
    let frame = Frame {
        id: format!("{}-{n}", charts::id("breaker", course, track)),
        title: format!("Circuit breaker of {name}"),
        told: format!("{}. {}", summary(&states), ground.evidence),
        course,
        faults: Vec::new(),
        height: HEIGHT,
    };
    let bars = states
        .iter()
        .map(|(state, span)| frame.bar(*span, class(*state), told(*state)));
    frame.figure(&bars.collect::<String>())
}

/// The strip in words: a breaker may change a hundred times.
fn summary(states: &[(State, SpanMs)]) -> String {
    let mut opened = states.iter().filter(|it| it.0 == State::Open);
    let seconds = |ms: u64| ms as f64 / 1_000.0;
    let first = opened.next().map_or_else(
        || "Never open".to_owned(),
        |it| {
            format!(
                "First open at {:.1} s, {}× in all",
                seconds(it.1.0),
                1 + opened.count()
            )
        },
    );
    let last = states.last().map_or("unknown", |it| told(it.0));
    format!("Blue: closed; red: open; yellow: half open. {first}; {last} at the end")
}

/// The states one after another, from the beginning, when it was closed, to the end.
fn states(breaker: &CircuitBreaker, from_ns: u64, length_ms: u64) -> Vec<(State, SpanMs)> {
    let at = |ns: u64| (ns.saturating_sub(from_ns) / 1_000_000).min(length_ms);
    let mut states = Vec::new();
    let mut now = (State::Closed, 0);
    for it in &breaker.transitions {
        if it.state == now.0 {
            continue;
        }
        let at_ms = at(it.at_ns);
        if at_ms > now.1 {
            states.push((now.0, (now.1, at_ms)));
        }
        now = (it.state, at_ms);
    }
    if length_ms > now.1 {
        states.push((now.0, (now.1, length_ms)));
    }
    states
}

fn class(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::Open => "open",
        State::HalfOpen => "half_open",
    }
}

fn told(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::Open => "open",
        State::HalfOpen => "half open",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::finding::Transition;

    #[test]
    fn states_follow_each_other_from_beginning_to_end() {
        let at = |ms: u64, state| Transition {
            at_ns: 1_000_000_000 + ms * 1_000_000,
            state,
            share: None,
        };
        let breaker = CircuitBreaker {
            transitions: vec![
                at(2_000, State::Open),
                at(3_000, State::HalfOpen),
                at(3_000, State::Closed),
                at(4_000, State::Closed),
            ],
            ..CircuitBreaker::default()
        };
        let states = states(&breaker, 1_000_000_000, 9_000);
        assert_eq!(
            states,
            [
                (State::Closed, (0, 2_000)),
                (State::Open, (2_000, 3_000)),
                (State::Closed, (3_000, 9_000)),
            ]
        );
        assert_eq!(
            summary(&states),
            "Blue: closed; red: open; yellow: half open. First open at 2.0 s, 1× in all; \
             closed at the end"
        );
    }
}
