//! The verdict as people read it: tables of before, during and after, then what was expected.
//!
//! Reads well without colour; colour only repeats what marks and words say.

use super::observed::visible;
use crate::model::{Histogram, WindowStats};
use crate::quantity::words;
use crate::snapshot::Status;
use crate::verdict::{Effect, Spans, Verdict, VerdictKind};

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

/// The verdict as text, a newline at its end. With `color`, ANSI codes are in it.
pub fn verdict(verdict: &Verdict, color: bool) -> String {
    let paint = Paint { color };
    let mut text = format!("{}\n", paint.in_code(BOLD, &verdict.scenario));
    if !verdict.hypothesis.is_empty() {
        text += &format!("{}\n", verdict.hypothesis);
    }
    text += "\n";
    text += &tables(verdict, paint);
    text += &faults(verdict, paint);
    text += &patterns(verdict, paint);
    text += &expectations(verdict, paint);
    text += &ending(verdict, paint);
    text
}

/// What colours text, or doesn't.
#[derive(Clone, Copy)]
struct Paint {
    color: bool,
}

impl Paint {
    fn in_code(self, code: &str, text: &str) -> String {
        match self.color {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

fn tables(verdict: &Verdict, paint: Paint) -> String {
    let title = format!("{} (the service)", verdict.service);
    // A service is judged by what its callers waited, so that is what its table shows.
    let mut text = table(&title, &verdict.stats, paint, |stats| &stats.waited);
    for dependency in &verdict.dependencies {
        let title = format!("{} ({})", dependency.name, dependency.tier);
        text += &table(&title, &dependency.stats, paint, |stats| &stats.latency);
    }
    text
}

fn table(
    title: &str,
    stats: &Spans<WindowStats>,
    paint: Paint,
    latency: impl Fn(&WindowStats) -> &Histogram,
) -> String {
    let head = format!(
        "{:<31} {:>7} {:>9} {:>9} {:>8} {:>9}",
        cut(title, 31),
        "calls",
        "p50",
        "p99",
        "errors",
        "given up"
    );
    let mut text = paint.in_code(BOLD, &head) + "\n";
    let spans = [
        ("before", &stats.before),
        ("during", &stats.during),
        ("after", &stats.after),
    ];
    for (name, stats) in spans {
        let quantile = |q| latency(stats).quantile_us(q).map(words::microseconds);
        let share =
            |count: u64| (stats.calls > 0).then(|| words::share(count as f64 / stats.calls as f64));
        let none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        text += &format!(
            "  {name:<29} {:>7} {:>9} {:>9} {:>8} {:>9}\n",
            stats.calls,
            none(quantile(0.5)),
            none(quantile(0.99)),
            none(share(stats.errors)),
            none(share(stats.abandoned)),
        );
    }
    text + "\n"
}

fn patterns(verdict: &Verdict, paint: Paint) -> String {
    match super::patterns::text(&verdict.patterns.sheets) {
        told if told.is_empty() => told,
        told => format!("{}\n{told}\n", paint.in_code(BOLD, "patterns")),
    }
}

fn faults(verdict: &Verdict, paint: Paint) -> String {
    let mut text = String::new();
    for fault in &verdict.faults {
        let counters = &fault.counters;
        let line = match fault.effect {
            Effect::NotArmed => "was not armed".to_owned(),
            Effect::Effective | Effect::Ineffective => format!(
                "touched {} of {} packets{}",
                counters.touched(),
                counters.seen,
                match counters.overflow {
                    0 => String::new(),
                    overflow => format!("; {overflow} more found no room to wait in"),
                }
            ),
        };
        let line = match fault.effect {
            Effect::Effective => line,
            _ => paint.in_code(YELLOW, &line),
        };
        text += &format!("step {}  {}  {line}\n", fault.step, fault.label);
    }
    for command in &verdict.commands {
        let line = match (command.started, command.exit_code) {
            (false, _) => "was not started".to_owned(),
            (true, Some(code)) => format!("exited with {code}"),
            (true, None) => "was stopped".to_owned(),
        };
        text += &format!("step {}  {}  {line}\n", command.step, command.label);
    }
    if !text.is_empty() {
        text += "\n";
    }
    text
}

fn expectations(verdict: &Verdict, paint: Paint) -> String {
    let mut text = String::new();
    for expectation in &verdict.expectations {
        let (mark, code) = match expectation.status {
            Status::Met => ("✓", GREEN),
            Status::NotMet => ("✗", RED),
            Status::Unknown => ("?", YELLOW),
        };
        text += &format!(
            "{} {}: measured {}, expected {}\n",
            paint.in_code(code, mark),
            expectation.name,
            expectation.measured,
            expectation.expected,
        );
        let evidence = format!("    {}", expectation.evidence);
        text += &(paint.in_code(DIM, &evidence) + "\n");
    }
    text + "\n"
}

fn ending(verdict: &Verdict, paint: Paint) -> String {
    let mut text = String::new();
    for it in &verdict.undeclared {
        let line = format!("not declared: {} calls {}", it.service, it.words());
        text += &(paint.in_code(YELLOW, &visible(&line)) + "\n");
    }
    if let Some(time) = verdict.metrics.time_to_recover {
        let time = words::duration(time, 1);
        text += &format!("recovered {time} after the last fault\n");
    }
    if verdict.lost_events > 0 {
        let line = format!("{} events were lost", verdict.lost_events);
        text += &(paint.in_code(YELLOW, &line) + "\n");
    }
    let code = match verdict.kind {
        VerdictKind::Passed => GREEN,
        VerdictKind::Failed | VerdictKind::Aborted => RED,
        VerdictKind::Ineffective | VerdictKind::Inconclusive => YELLOW,
    };
    let kind = paint.in_code(code, verdict.kind.name());
    text + &format!("{kind}: {}\n", verdict.reason)
}

/// The text, no longer than so many letters.
fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}
