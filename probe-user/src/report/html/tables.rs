//! Tables of the page: the same figures that the other reports tell.

use crate::model::{Histogram, WindowStats};
use crate::quantity::words;
use crate::report::escape::xml;
use crate::report::occasion::Occasion;
use crate::snapshot::Status;
use crate::verdict::{Effect, Spans, Verdict};

/// A table; columns whose title begins with a space are numbers. Cells are HTML already.
fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let is_number = |n: usize| titles[n].starts_with(' ');
    let class = |n: usize| if is_number(n) { " class=\"n\"" } else { "" };
    let head = titles
        .iter()
        .enumerate()
        .map(|(n, title)| format!("<th scope=\"col\"{}>{}</th>", class(n), title.trim()));
    let mut text = format!(
        "<div class=\"scroll\"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n",
        head.collect::<String>()
    );
    for row in rows {
        let cells = row.iter().enumerate().map(|(n, cell)| match n {
            0 => format!("<th scope=\"row\">{cell}</th>"),
            _ => format!("<td{}>{cell}</td>", class(n)),
        });
        text += &format!("<tr>{}</tr>\n", cells.collect::<String>());
    }
    text + "</tbody>\n</table></div>\n"
}

pub(super) fn figures(occasion: &Occasion) -> String {
    let row = |it: crate::report::occasion::Figure| {
        vec![it.name.to_owned(), xml(&it.value), xml(&it.meaning)]
    };
    let rows: Vec<_> = occasion.figures().into_iter().map(row).collect();
    table(&["figure", "value", "what it is"], &rows)
}

pub(super) fn expectations(verdict: &Verdict) -> String {
    let row = |it: &crate::verdict::Expectation| {
        let (mark, words) = match it.status {
            Status::Met => ("✓", "met"),
            Status::NotMet => ("✗", "not met"),
            Status::Unknown => ("?", "unknown"),
        };
        let status = it.status.name();
        vec![
            xml(&it.name),
            format!("<span class=\"{status}\">{mark} {words}</span>"),
            xml(&it.on),
            xml(&it.expected),
            xml(&it.measured),
            xml(&it.evidence),
        ]
    };
    let rows: Vec<_> = verdict.expectations.iter().map(row).collect();
    let titles = [
        "expectation",
        "status",
        "of",
        "expected",
        "measured",
        "rests on",
    ];
    table(&titles, &rows)
}

pub(super) fn faults(verdict: &Verdict) -> String {
    let when = |step: usize| {
        let span = verdict.course.faults.iter().find(|it| it.step == step);
        span.map_or_else(
            || "–".to_owned(),
            |it| {
                let seconds = |ms: u64| ms as f64 / 1_000.0;
                format!("{:.1} s to {:.1} s", seconds(it.span.0), seconds(it.span.1))
            },
        )
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for it in &verdict.faults {
        let what = match it.effect {
            Effect::NotArmed => "not armed".to_owned(),
            Effect::Effective | Effect::Ineffective => {
                format!(
                    "touched {} of {} packets",
                    it.counters.touched(),
                    it.counters.seen
                )
            }
        };
        rows.push(vec![
            it.step.to_string(),
            xml(&it.label),
            when(it.step),
            what,
        ]);
    }
    for it in &verdict.commands {
        let what = match (it.started, it.exit_code) {
            (false, _) => "not started".to_owned(),
            (true, Some(code)) => format!("exited with {code}"),
            (true, None) => "stopped".to_owned(),
        };
        let label = format!("<code>{}</code>", xml(&it.label));
        rows.push(vec![it.step.to_string(), label, "–".to_owned(), what]);
    }
    table(&["step", "what", "when", "outcome"], &rows)
}

pub(super) fn calls(verdict: &Verdict) -> String {
    let mut rows = party(&verdict.service, &verdict.stats, |it| &it.waited);
    for it in &verdict.dependencies {
        rows.extend(party(&it.name, &it.stats, |it| &it.latency));
    }
    let titles = [
        "of",
        "when",
        " calls",
        " went well",
        " given up",
        " p50",
        " p95",
        " p99",
    ];
    table(&titles, &rows)
}

fn party(
    name: &str,
    stats: &Spans<WindowStats>,
    latency: impl Fn(&WindowStats) -> &Histogram,
) -> Vec<Vec<String>> {
    let spans = [
        ("before", &stats.before),
        ("during", &stats.during),
        ("after", &stats.after),
    ];
    let row = |(span, stats): (&str, &WindowStats)| {
        let none = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        let quantile = |q| none(latency(stats).quantile_us(q).map(words::microseconds));
        vec![
            xml(name),
            span.to_owned(),
            stats.calls.to_string(),
            none(stats.success_rate().map(words::share)),
            stats.abandoned.to_string(),
            quantile(0.5),
            quantile(0.95),
            quantile(0.99),
        ]
    };
    spans.into_iter().map(row).collect()
}

pub(super) fn patterns(verdict: &Verdict) -> String {
    let mut rows = Vec::new();
    for sheet in &verdict.patterns.sheets {
        for (name, ground) in sheet.findings.grounds() {
            rows.push(vec![
                xml(&sheet.name()),
                name.replace('_', " "),
                xml(&crate::report::patterns::known(sheet, name)),
                xml(&ground.evidence),
            ]);
        }
    }
    let mut text = match rows.is_empty() {
        true => "<p>Nothing is known of resilience patterns.</p>\n".to_owned(),
        false => table(&["of", "pattern", "what showed", "evidence"], &rows),
    };
    for it in &verdict.undeclared {
        let line = format!("not declared: {} calls {}", it.service, it.words());
        text += &format!("<p>{}</p>\n", xml(&line));
    }
    text
}

pub(super) fn timeline(verdict: &Verdict) -> String {
    let row = |it: &crate::snapshot::TimelineEntry| {
        vec![
            format!("{:.1} s", it.at_ms as f64 / 1_000.0),
            it.kind.name().to_owned(),
            xml(&it.text),
        ]
    };
    let rows: Vec<_> = verdict.timeline.iter().map(row).collect();
    table(&["at", "kind", "what happened"], &rows)
}
