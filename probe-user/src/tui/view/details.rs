//! All there is of one dependency: figures now and before, the last minute, latencies, the evidence
//! of each resilience pattern, the last calls.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::facts::{self, Facts};
use super::layout::{self, Need};
use super::{Scene, dependencies, histogram, paint, trend};
use crate::model::{Outcome, WindowStats};
use crate::snapshot::{CallView, DependencyView, EvidenceView};
use crate::tui::figures::{self, fit};
use crate::tui::theme::Role;

/// Cells of the last minute: one a second.
const MINUTE: u16 = 60;
/// Before the last minute, for what its rows are.
const LABEL: u16 = 12;

/// All rows that nobody else needs.
pub fn need(_: &Scene) -> Need {
    Need {
        rank: 2,
        least: 5,
        want: 17,
        most: u16::MAX,
    }
}

/// Draws the selected dependency.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let Some(it) = scene.state.selected_dependency() else {
        return;
    };
    let told = it
        .evidence
        .iter()
        .filter(|it| it.is_there.is_some())
        .count();
    let air = u16::from(scene.roomy);
    let evidence = match (scene.roomy, it.evidence.len()) {
        (_, 0) => 2,
        (true, all) => 1 + 3 * all as u16,
        (false, all) => 1 + told as u16 + u16::from(told < all),
    };
    let minute = if scene.roomy { 8 } else { 4 };
    let section = |rank, least, want: u16| Need {
        rank,
        least,
        want,
        most: want,
    };
    let needs = [
        section(0, 4, 5 + air),
        section(1, 3, minute + air),
        section(3, 2, evidence + air),
        Need {
            rank: 2,
            least: 3,
            want: 7,
            most: u16::MAX,
        },
    ];
    let areas = layout::stack(area, &needs);
    draw_figures(scene, areas[0], buffer, it);
    draw_minute(scene, lower(areas[1], air), buffer, it);
    draw_evidence(scene, areas[2], buffer, it);
    let (left, right) = layout::halves(areas[3]);
    if left.height > 1 {
        histogram::draw(scene, left, buffer, &it.recent, it.baseline.as_ref());
        draw_calls(scene, right, buffer, it);
    }
}

/// An area without its last rows.
fn lower(area: Rect, by: u16) -> Rect {
    Rect {
        height: area.height.saturating_sub(by),
        ..area
    }
}

fn draw_figures(scene: &Scene, area: Rect, buffer: &mut Buffer, it: &DependencyView) {
    let name = dependencies::name(it);
    let pid = match it.pid {
        0 => String::new(),
        pid => format!("pid {pid} · "),
    };
    let more = match it.remotes.len() {
        0 | 1 => String::new(),
        all => format!(" +{}", all - 1),
    };
    let note = format!("{pid}{}{more} · {} · Esc back", it.remote, it.protocol);
    let room = usize::from(area.width).saturating_sub(name.chars().count() + 4);
    let title = Span::styled(format!("▸ {name}"), scene.style(Role::Here));
    let note = Span::styled(fit(&note, room), scene.style(Role::Quiet));
    paint::heading(scene, buffer, area, title, note);
    let labels = ["calls/s", "p50", "p90", "p99", "max", "errors", "gave up"];
    let quiet = scene.style(Role::Quiet);
    let head: String = labels.iter().map(|it| format!("{it:>8}")).collect();
    let line = Line::styled(format!("{:10}{head}", ""), quiet);
    paint::left(buffer, paint::row(area, 1), &line);
    let now = Line::styled(
        format!("   now    {}", row(&it.recent)),
        scene.style(Role::Text),
    );
    paint::left(buffer, paint::row(area, 2), &now);
    if let Some(before) = &it.baseline {
        let before = Line::styled(format!("   before {}", row(before)), quiet);
        paint::left(buffer, paint::row(area, 3), &before);
    }
    let at = if it.baseline.is_some() { 4 } else { 3 };
    let place = paint::row(area, at);
    let place = Rect {
        x: place.x + 3,
        width: place.width.saturating_sub(3),
        ..place
    };
    let spans = facts::spans(scene, &Facts::of(it), None, usize::from(place.width));
    if place.height > 0 {
        paint::left(buffer, place, &Line::from(spans));
    }
}

fn row(stats: &WindowStats) -> String {
    let quantile = |q| {
        let us = stats.latency.quantile_us(q);
        us.map_or_else(|| "–".to_owned(), figures::latency)
    };
    let share = |of: u64| match stats.calls {
        0 => "–".to_owned(),
        calls => figures::percent(of as f64 / calls as f64),
    };
    let max = match stats.latency.count() {
        0 => "–".to_owned(),
        _ => figures::latency(stats.latency.max_us()),
    };
    let cells = [
        figures::rate(stats.rate()),
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
        max,
        share(stats.errors),
        share(stats.abandoned),
    ];
    cells.iter().map(|cell| format!("{cell:>8}")).collect()
}

fn draw_minute(scene: &Scene, area: Rect, buffer: &mut Buffer, it: &DependencyView) {
    let width = MINUTE.min(area.width.saturating_sub(LABEL));
    let place = Rect {
        x: area.x + LABEL,
        width,
        ..area
    };
    trend::draw(scene, place, buffer, &it.seconds);
    let rows = usize::from(area.height);
    let labels: &[(usize, &str)] = match rows {
        0 | 1 => &[(0, "p50")],
        2 | 3 => &[(0, "p50"), (rows - 1, "calls")],
        _ => &[(0, "p50"), (rows - 2, "calls"), (rows - 1, "fault")],
    };
    for &(row, label) in labels {
        let line = Line::styled(format!("   {label}"), scene.style(Role::Quiet));
        paint::left(buffer, paint::row(area, row), &line);
    }
}

fn draw_evidence(scene: &Scene, area: Rect, buffer: &mut Buffer, it: &DependencyView) {
    if area.is_empty() {
        return;
    }
    let title = paint::title(scene, "Patterns, and what tells of them", false);
    paint::heading(scene, buffer, area, title, Span::raw(""));
    let width = usize::from(area.width);
    let mut lines = Vec::new();
    let (told, untold): (Vec<_>, Vec<_>) = it.evidence.iter().partition(|it| it.is_there.is_some());
    for one in told {
        lines.extend(told_lines(scene, one, width));
    }
    if scene.roomy {
        for one in untold {
            lines.extend(told_lines(scene, one, width));
        }
    } else if !untold.is_empty() {
        let names: Vec<_> = untold.iter().map(|it| it.pattern.as_str()).collect();
        let text = format!(" ? can't be told: {}", names.join(", "));
        lines.push(Line::styled(fit(&text, width), scene.style(Role::Quiet)));
    }
    if it.evidence.is_empty() {
        let text = " ? nothing can be told yet";
        lines.push(Line::styled(text, scene.style(Role::Quiet)));
    }
    for (index, line) in lines.iter().enumerate() {
        paint::left(buffer, paint::row(area, 1 + index), line);
    }
}

/// A pattern and its evidence: in one line, or the evidence below where there is room for air.
fn told_lines(scene: &Scene, one: &EvidenceView, width: usize) -> Vec<Line<'static>> {
    let (symbol, role, name) = match one.is_there {
        Some(true) => ("✓", Role::Good, one.pattern.clone()),
        Some(false) => ("✗", Role::Bad, format!("no {}", one.pattern)),
        None => ("?", Role::Quiet, one.pattern.clone()),
    };
    let sure = match one.is_there {
        Some(_) => format!("  {:.0}% sure", one.confidence * 100.0),
        None => String::new(),
    };
    let mut spans = vec![
        Span::styled(format!(" {symbol} "), scene.style(role)),
        Span::styled(format!("{name}{}", one.parameters), scene.style(Role::Text)),
        Span::styled(sure, scene.style(Role::Quiet)),
    ];
    if !scene.roomy {
        let taken: usize = spans.iter().map(Span::width).sum();
        let text = format!("  {}", one.evidence);
        let text = fit(&text, width.saturating_sub(taken));
        spans.push(Span::styled(text, scene.style(Role::Quiet)));
        return vec![Line::from(spans)];
    }
    let mut lines = vec![Line::from(spans)];
    for text in wrapped(&one.evidence, width.saturating_sub(4))
        .into_iter()
        .take(2)
    {
        lines.push(Line::styled(
            format!("     {text}"),
            scene.style(Role::Quiet),
        ));
    }
    lines
}

/// A text in lines of at most `width` characters, broken between words.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let width = width.max(1);
    let chars: Vec<Vec<char>> = text
        .split_whitespace()
        .map(|it| it.chars().collect())
        .collect();
    // A word longer than a line goes on in the next.
    let pieces = chars.iter().flat_map(|it| it.chunks(width));
    for word in pieces.map(|it| it.iter().collect::<String>()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

fn draw_calls(scene: &Scene, area: Rect, buffer: &mut Buffer, it: &DependencyView) {
    let past = scene.state.scrolled_calls;
    let note = match past {
        0 => Span::styled("newest first", scene.style(Role::Quiet)),
        past => Span::styled(format!("↑{past} newer"), scene.style(Role::Warning)),
    };
    let title = paint::title(scene, "Last calls", false);
    paint::heading(scene, buffer, area, title, note);
    if it.calls.is_empty() {
        let line = Line::styled(" none is remembered", scene.style(Role::Quiet));
        paint::left(buffer, paint::row(area, 1), &line);
    }
    for (index, call) in it.calls.iter().rev().skip(past).enumerate() {
        paint::left(buffer, paint::row(area, 1 + index), &call_line(scene, call));
    }
}

fn call_line(scene: &Scene, call: &CallView) -> Line<'static> {
    let (symbol, words, role) = match call.outcome {
        Outcome::Ok => ("✓", "ok", Role::Text),
        Outcome::Error => ("×", "error", Role::Bad),
        Outcome::Reset => ("×", "reset", Role::Bad),
        Outcome::Refused => ("×", "refused", Role::Bad),
        Outcome::ConnectTimeout => ("×", "no connect", Role::Bad),
        Outcome::Abandoned => ("/", "gave up", Role::Bad),
        Outcome::Closed => ("×", "closed", Role::Bad),
    };
    let status = call.status.map_or_else(String::new, |it| it.to_string());
    let at = format!("{}.{}", figures::clock(call.at_ms), call.at_ms / 100 % 10);
    let waited = figures::latency(call.waited_us);
    let mut spans = vec![
        Span::styled(format!(" {at} "), scene.style(Role::Quiet)),
        Span::styled(
            format!("{symbol} {words:<10}{status:>4}"),
            scene.style(role),
        ),
        Span::styled(format!(" {waited:>6}"), scene.style(Role::Text)),
    ];
    if call.faulted {
        spans.push(Span::styled(" ◆", scene.style(Role::Fault)));
    }
    if call.number == 1 {
        spans.push(Span::styled(" new", scene.style(Role::Quiet)));
    }
    Line::from(spans)
}
