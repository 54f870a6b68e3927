//! What was observed, for people: a block a service, with what it serves and what it calls.

use super::{
    Observation, accounts,
    columns::{Columns, cut},
    groups::{self, Group, Row, listening_at},
    visible,
};
use crate::{
    model::{Histogram, Undeclared},
    quantity::words,
    report::patterns,
};

const HEAD: [&str; 8] = [
    "",
    "protocol",
    "rate",
    "p50",
    "p99",
    "errors",
    "gave up",
    "in flight",
];

/// Silent services that are told by name where they have a line's room.
const MOST_SILENT: usize = 40;

/// What was observed, on lines no longer than `width`, where one is given.
pub fn text(seen: &Observation<'_>, width: Option<usize>) -> String {
    let groups = groups::of(seen);
    let mut text = match groups.is_empty() {
        true => "no call was seen\n".to_owned(),
        false => table(&groups, seen.window_ms).text(width),
    };
    text += &silent(seen, width.unwrap_or(100));
    text += &patterns(seen);
    if let Some(found) = seen.undeclared {
        text += &undeclared(found);
    }
    text + &accounts::text(seen.accounts)
}

fn patterns(seen: &Observation<'_>) -> String {
    match patterns::text(&seen.patterns.sheets) {
        told if told.is_empty() => told,
        told => format!(
            "\nresilience patterns that showed, and those that had every chance to:\n{told}"
        ),
    }
}

fn table(groups: &[Group], window_ms: u64) -> Columns {
    let mut table = Columns::new(&HEAD);
    for group in groups {
        let who = group.who();
        let title = match who.is_empty() {
            true => group.title().to_owned(),
            false => format!("{}  ({who})", group.title()),
        };
        table.title(visible(&title));
        for row in &group.serves {
            table.line(cells("serves", row, window_ms));
        }
        for row in &group.calls {
            table.line(cells("→", row, window_ms));
        }
    }
    table
}

fn cells(what: &str, row: &Row, window_ms: u64) -> Vec<String> {
    vec![
        format!("  {what} {}", visible(&row.name)),
        row.protocol.to_owned(),
        rate(row.rate(window_ms)),
        quantile(&row.latency, 0.5),
        quantile(&row.latency, 0.99),
        row.errors.to_string(),
        row.abandoned.to_string(),
        format!("{}, max {}", row.in_flight, row.in_flight_max),
    ]
}

/// Calls a second, to three digits.
pub fn rate(value: f64) -> String {
    match value {
        99.95.. => format!("{value:.0}/s"),
        9.995.. => format!("{value:.1}/s"),
        _ => format!("{value:.2}/s"),
    }
}

/// A quantile to read; "–" where nothing was answered.
pub fn quantile(histogram: &Histogram, q: f64) -> String {
    histogram
        .quantile_us(q)
        .map_or_else(|| "–".into(), words::microseconds)
}

/// Who listens and wasn't called.
fn silent(seen: &Observation<'_>, width: usize) -> String {
    let silent: Vec<_> = seen.silent().collect();
    if silent.is_empty() {
        return String::new();
    }
    let count = match silent.len() {
        1 => "1 service listens and was not called:".to_owned(),
        count => format!("{count} services listen and were not called:"),
    };
    let names = silent.iter().take(MOST_SILENT).map(|it| {
        let at = listening_at(it.address);
        match &it.netns {
            Some(netns) => format!("{} {at} in {netns}", it.process.command),
            None => format!("{} {at}", it.process.command),
        }
    });
    let mut words: Vec<_> = names.map(|name| visible(&name)).collect();
    if silent.len() > MOST_SILENT {
        words.push(format!("and {} more", silent.len() - MOST_SILENT));
    }
    format!("\n{count}\n{}", wrapped(&words, width))
}

/// Words with commas between, on indented lines no longer than a width.
fn wrapped(words: &[String], width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (n, word) in words.iter().enumerate() {
        let comma = if n + 1 < words.len() { "," } else { "" };
        let word = cut(word, width.saturating_sub(3)) + comma;
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines.join("\n") + "\n"
}

/// What the scenario doesn't declare.
fn undeclared(found: &[Undeclared]) -> String {
    let mut text = match found.len() {
        0 => return "\nthe scenario declares every dependency that was seen\n".to_owned(),
        1 => "\nwarning: 1 dependency is not declared in the scenario\n".to_owned(),
        count => format!("\nwarning: {count} dependencies are not declared in the scenario\n"),
    };
    for it in found {
        let calls = match it.calls {
            1 => "1 call".to_owned(),
            calls => format!("{calls} calls"),
        };
        let line = format!("  {} → {}, {calls}", it.service, it.words());
        text += &(visible(&line) + "\n");
    }
    text
}
