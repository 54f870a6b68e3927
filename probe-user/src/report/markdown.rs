//! The verdict as Markdown, to go straight into a post-mortem.

use super::escape::{markdown as safe, markdown_code as code};
use super::occasion::Occasion;
use super::runbook::Runbook;
use crate::model::{Histogram, WindowStats};
use crate::quantity::words;
use crate::snapshot::Status;
use crate::verdict::{Effect, Spans, Verdict};

/// The verdict as one document, a newline at its end.
pub fn markdown(occasion: &Occasion) -> String {
    let verdict = occasion.verdict;
    let mut text = format!(
        "<!-- {} -->\n# {}\n\n",
        super::MARK,
        safe(&verdict.scenario)
    );
    if !verdict.hypothesis.is_empty() {
        text += &format!("Hypothesis: {}\n\n", safe(&verdict.hypothesis));
    }
    text += &format!(
        "**{}**: {}\n\n{}, on {}; seed {}; took {:.1} s.\n",
        verdict.kind.name(),
        safe(&verdict.reason),
        safe(&occasion.began()),
        safe(occasion.host),
        verdict.seed,
        verdict.course.length_ms as f64 / 1_000.0
    );
    if verdict.lost_events > 0 {
        text += &format!(
            "{} events were lost: figures are weaker for it.\n",
            verdict.lost_events
        );
    }
    text += "\n## Figures\n\n";
    text += &figures(occasion);
    text += "\n## Expectations\n\n";
    text += &expectations(verdict);
    text += "\n## Faults\n\n";
    text += &faults(verdict);
    text += "\n## Calls\n\n";
    text += &calls(verdict);
    text += &patterns(verdict);
    text += "\n## Timeline\n\n";
    text += &timeline(verdict);
    text += "\n## Runbook\n";
    text + &runbook(occasion)
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn figures(occasion: &Occasion) -> String {
    let mut text = "| figure | value | |\n|---|---|---|\n".to_owned();
    for it in occasion.figures() {
        text += &row(&[it.name.to_owned(), safe(&it.value), safe(&it.meaning)]);
    }
    text
}

fn expectations(verdict: &Verdict) -> String {
    let mut text = "| | of | expected | measured | rests on |\n|---|---|---|---|---|\n".to_owned();
    for it in &verdict.expectations {
        let mark = match it.status {
            Status::Met => "✓",
            Status::NotMet => "✗",
            Status::Unknown => "?",
        };
        text += &row(&[
            format!("{mark} {}", safe(&it.name)),
            safe(&it.on),
            safe(&it.expected),
            safe(&it.measured),
            safe(&it.evidence),
        ]);
    }
    text
}

fn faults(verdict: &Verdict) -> String {
    if verdict.faults.is_empty() {
        return "None was planned.\n".to_owned();
    }
    let mut text = String::new();
    for fault in &verdict.faults {
        let what = match fault.effect {
            Effect::NotArmed => "was not armed".to_owned(),
            Effect::Effective | Effect::Ineffective => format!(
                "touched {} of {} packets",
                fault.counters.touched(),
                fault.counters.seen
            ),
        };
        text += &format!("- step {}: {}: {what}\n", fault.step, safe(&fault.label));
    }
    for command in &verdict.commands {
        let what = match (command.started, command.exit_code) {
            (false, _) => "was not started".to_owned(),
            (true, Some(code)) => format!("exited with {code}"),
            (true, None) => "was stopped".to_owned(),
        };
        text += &format!(
            "- step {}: {}: {what}\n",
            command.step,
            code(&command.label)
        );
    }
    text
}

fn calls(verdict: &Verdict) -> String {
    let mut text = "| | | calls | went well | given up | p50 | p95 | p99 |\n\
                    |---|---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    text += &party(&verdict.service, &verdict.stats, |it| &it.waited);
    for it in &verdict.dependencies {
        text += &party(&it.name, &it.stats, |it| &it.latency);
    }
    text
}

fn party(
    name: &str,
    stats: &Spans<WindowStats>,
    latency: impl Fn(&WindowStats) -> &Histogram,
) -> String {
    let spans = [
        ("before", &stats.before),
        ("during", &stats.during),
        ("after", &stats.after),
    ];
    let line = |(span, stats): (&str, &WindowStats)| {
        let none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        let quantile = |q| none(latency(stats).quantile_us(q).map(words::microseconds));
        row(&[
            safe(name),
            span.to_owned(),
            stats.calls.to_string(),
            none(stats.success_rate().map(words::share)),
            stats.abandoned.to_string(),
            quantile(0.5),
            quantile(0.95),
            quantile(0.99),
        ])
    };
    spans.into_iter().map(line).collect()
}

fn patterns(verdict: &Verdict) -> String {
    let mut text = String::new();
    for sheet in &verdict.patterns.sheets {
        for it in super::patterns::told(sheet) {
            let mark = if it.is_there { "✓" } else { "✗" };
            text += &format!(
                "- {}: {mark} {}\n",
                safe(&sheet.name()),
                safe(&(it.name + &it.parameters))
            );
        }
    }
    for it in &verdict.undeclared {
        text += &format!(
            "- not declared: {} calls {}\n",
            safe(&it.service),
            safe(&it.words())
        );
    }
    match text.is_empty() {
        true => text,
        false => format!("\n## What showed\n\n{text}"),
    }
}

fn timeline(verdict: &Verdict) -> String {
    let mut text = "| at | | |\n|---:|---|---|\n".to_owned();
    for it in &verdict.timeline {
        text += &row(&[
            format!("{:.1} s", it.at_ms as f64 / 1_000.0),
            it.kind.name().to_owned(),
            safe(&it.text),
        ]);
    }
    text
}

fn runbook(occasion: &Occasion) -> String {
    let mut text = String::new();
    for (title, lines) in Runbook::of(occasion).parts() {
        text += &format!("\n### {title}\n\n");
        for line in lines {
            let command = line.command.as_deref().map(|it| format!(": {}", code(it)));
            text += &format!("- {}{}\n", safe(&line.text), command.unwrap_or_default());
        }
    }
    text
}
