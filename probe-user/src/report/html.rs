//! The verdict as one HTML page: nothing is fetched, no script runs, charts are inline SVG.
//!
//! Dark or light as the reader has it, light on paper; charts tell by shape and words what they
//! tell by colour.

use super::escape::xml;
use super::occasion::Occasion;
use super::runbook::Runbook;
use crate::verdict::Verdict;

mod breaker;
mod charts;
mod frame;
mod style;
mod tables;

/// The verdict as one document, a newline at its end.
pub fn html(occasion: &Occasion) -> String {
    let verdict = occasion.verdict;
    let title = xml(&verdict.scenario);
    let mut text = format!(
        "<!DOCTYPE html>\n<!-- {} -->\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}: {title}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
        super::MARK,
        verdict.kind.name(),
        style::STYLE
    );
    text += &head(occasion);
    text += &section("Figures", &tables::figures(occasion));
    text += &section("Expectations", &tables::expectations(verdict));
    text += &section("Charts", &charts(verdict));
    text += &section("Faults", &tables::faults(verdict));
    text += &section("Calls", &tables::calls(verdict));
    text += &section("Patterns", &tables::patterns(verdict));
    text += &section("Timeline", &tables::timeline(verdict));
    text += &section("Runbook", &runbook(occasion));
    text + "</main>\n</body>\n</html>\n"
}

fn head(occasion: &Occasion) -> String {
    let verdict = occasion.verdict;
    let kind = verdict.kind.name();
    let mut text = format!("<header>\n<h1>{}</h1>\n", xml(&verdict.scenario));
    if !verdict.hypothesis.is_empty() {
        text += &format!("<p>{}</p>\n", xml(&verdict.hypothesis));
    }
    text += &format!(
        "<p class=\"verdict {kind}\"><strong>{kind}</strong> {}</p>\n\
         <p class=\"quiet\">{}, on {}; seed {}; took {:.1} s</p>\n",
        xml(&verdict.reason),
        xml(&occasion.began()),
        xml(occasion.host),
        verdict.seed,
        verdict.course.length_ms as f64 / 1_000.0
    );
    if verdict.lost_events > 0 {
        text += &format!(
            "<p>{} events were lost: figures are weaker for it.</p>\n",
            verdict.lost_events
        );
    }
    text + "</header>\n"
}

fn section(title: &str, inside: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{inside}</section>\n")
}

fn charts(verdict: &Verdict) -> String {
    let course = &verdict.course;
    if course.service.moments.len() < 2 {
        return "<p>Too short for charts.</p>\n".to_owned();
    }
    let mut text = charts::latency(course, &course.service, "its callers waited");
    for track in course.faulted().take(charts::MOST) {
        text += &charts::latency(course, track, "the service waited for it");
        text += &charts::attempts(course, track);
        text += &charts::in_flight(course, track, &verdict.patterns.sheets);
        text += &breaker::strips(verdict, track);
    }
    let others = course.faulted().count().saturating_sub(charts::MOST);
    if others > 0 {
        text += &format!("<p>{others} more dependencies had faults; verdict.json has them.</p>\n");
    }
    text
}

fn runbook(occasion: &Occasion) -> String {
    let mut text = String::new();
    for (title, lines) in Runbook::of(occasion).parts() {
        text += &format!("<h3>{title}</h3>\n<ul>\n");
        for line in lines {
            let command = line.command.as_deref();
            let command = command.map(|it| format!(": <code>{}</code>", xml(it)));
            text += &format!(
                "<li>{}{}</li>\n",
                xml(&line.text),
                command.unwrap_or_default()
            );
        }
        text += "</ul>\n";
    }
    text
}
