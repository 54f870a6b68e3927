//! The table that dependencies and services share: a line of figures each, and where there is
//! room a second one with the figures of before and a taller trend.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::columns::{Column, Columns, MARKS};
use super::facts::{self, Facts};
use super::layout::Need;
use super::{Scene, paint, trend};
use crate::model::WindowStats;
use crate::snapshot::SecondView;
use crate::tui::figures::{self, fit};
use crate::tui::theme::Role;

/// A line at most this many rows high, where lines may be tall.
const TALLEST: u16 = 4;

/// A p99 this many times that of before is worth a mark.
const SLOWER: u64 = 2;

/// From this share of failed calls on, it is said aloud.
const LOUD: f64 = 0.01;

/// One line of the table.
pub struct Row<'a> {
    /// Who.
    pub name: String,
    /// Where.
    pub remote: &'a str,
    /// The last ten seconds.
    pub recent: Figures,
    /// The steady state, where there was one.
    pub before: Option<Figures>,
    /// Calls waiting for an answer, and the most that did, where it is known.
    pub in_flight: Option<(u32, u32)>,
    /// The last minute.
    pub seconds: &'a [SecondView],
    /// Whether a fault is armed on it.
    pub faulted: bool,
    /// Whether it is selected.
    pub selected: bool,
    /// What is known of how it deals with failures.
    pub facts: Facts,
}

/// A span's figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    rate: f64,
    p50_us: Option<u64>,
    p99_us: Option<u64>,
    errors: Option<f64>,
    abandoned: Option<f64>,
}

impl Figures {
    /// As the caller of a dependency sees them: latencies of what was answered.
    pub fn answered(stats: &WindowStats) -> Self {
        let share = |of: u64| (stats.calls > 0).then(|| of as f64 / stats.calls as f64);
        Self {
            rate: stats.rate(),
            p50_us: stats.latency.quantile_us(0.5),
            p99_us: stats.latency.quantile_us(0.99),
            errors: share(stats.errors),
            abandoned: share(stats.abandoned),
        }
    }

    /// As the callers of a service live through them: what they waited, answered or not.
    pub fn waited(stats: &WindowStats) -> Self {
        Self {
            p50_us: stats.waited.quantile_us(0.5),
            p99_us: stats.waited.quantile_us(0.99),
            ..Self::answered(stats)
        }
    }
}

/// What a table needs: a heading over `count` lines, of which `least` must be seen; a second row
/// for each of the `telling` ones, that have more to say.
pub fn need(scene: &Scene, rank: u8, count: usize, telling: usize, least: u16) -> Need {
    let need = Need::list(rank, count, least, scene.roomy);
    if count == 0 {
        return need;
    }
    let taller = match scene.tall {
        true => usize::from(TALLEST - 1) * count,
        false => telling,
    };
    Need {
        want: need.want.saturating_add(telling as u16),
        most: need.most.saturating_add(taller as u16),
        ..need
    }
}

/// Draws as many rows as fit, as tall as there is room for; gives where each is.
pub fn draw(
    scene: &Scene,
    area: Rect,
    buffer: &mut Buffer,
    columns: &Columns,
    rows: &[Row],
) -> Vec<Rect> {
    let mut y = area.y;
    let heights = heights(scene, usize::from(area.height), rows);
    let mut places = Vec::new();
    for (row, height) in rows.iter().zip(heights) {
        let place = Rect { y, height, ..area }.intersection(area);
        if place.is_empty() {
            break;
        }
        draw_row(scene, place, buffer, columns, row);
        places.push(place);
        y += height;
    }
    places
}

/// One row each, then a second one for those that have more to say, then as many for all.
fn heights(scene: &Scene, room: usize, rows: &[Row]) -> Vec<u16> {
    let mut heights = vec![1; rows.len()];
    let mut left = room.saturating_sub(rows.len());
    for (height, row) in heights.iter_mut().zip(rows) {
        if left > 0 && row.facts.are_telling() {
            *height = 2;
            left -= 1;
        }
    }
    let even = room / rows.len().max(1);
    if scene.tall && even > 1 {
        heights.fill((even as u16).min(TALLEST));
    }
    heights
}

/// Draws the columns' labels.
pub fn labels(scene: &Scene, area: Rect, buffer: &mut Buffer, columns: &Columns) {
    let style = scene.style(Role::Quiet);
    for (column, area) in places(columns, area) {
        let mut label = fit(column.label(), usize::from(area.width));
        if label != column.label() {
            label = "last minute".into();
        }
        let line = Line::styled(label, style);
        if column.is_left() {
            paint::left(buffer, area, &line);
        } else {
            paint::right(buffer, area, &line);
        }
    }
}

fn draw_row(scene: &Scene, area: Rect, buffer: &mut Buffer, columns: &Columns, row: &Row) {
    draw_name(scene, area, buffer, columns, row);
    for (column, place) in places(columns, area) {
        match column {
            Column::Trend => trend::draw(scene, place, buffer, row.seconds),
            Column::Remote => {
                let text = fit(row.remote, usize::from(place.width));
                let line = Line::styled(text, scene.style(Role::Quiet));
                paint::left(buffer, place, &line);
            }
            _ => {
                let figure = figure(scene, row, column);
                paint::right(buffer, place, &Line::from(figure));
                if has_before(area, row) {
                    draw_before(scene, paint::row(place, 1), buffer, row, column);
                }
            }
        }
    }
    draw_facts(scene, area, buffer, columns, row);
}

/// Whether the figures of before stand below those of now: where there is but one row for them
/// and for what else there is to say, that goes first.
fn has_before(area: Rect, row: &Row) -> bool {
    row.before.is_some() && (area.height > 2 || (area.height == 2 && !row.facts.are_telling()))
}

/// What else is known, in a row that has nothing else, up to the trend.
fn draw_facts(scene: &Scene, area: Rect, buffer: &mut Buffer, columns: &Columns, row: &Row) {
    if area.height < 2 || !row.facts.are_telling() {
        return;
    }
    // Above it are the address and the figures of before, where there is room for them.
    let line = if area.height > 2 { 2 } else { 1 };
    let trend = places(columns, area).find(|(column, _)| *column == Column::Trend);
    let end = trend.map_or(area.right(), |(_, place)| place.x.saturating_sub(1));
    let place = Rect {
        x: area.x + MARKS - 1,
        width: end.saturating_sub(area.x + MARKS - 1),
        ..paint::row(area, line)
    };
    let before = row.before.and_then(|it| it.p99_us);
    let before = before.filter(|_| line == 1 && !columns.have(Column::P99Before));
    let spans = facts::spans(scene, &row.facts, before, usize::from(place.width));
    if place.height > 0 {
        paint::left(buffer, place, &Line::from(spans));
    }
}

fn draw_name(scene: &Scene, area: Rect, buffer: &mut Buffer, columns: &Columns, row: &Row) {
    let selected = if row.selected { "▸" } else { " " };
    let faulted = if row.faulted { "◆ " } else { "  " };
    let name = fit(&row.name, usize::from(columns.name));
    let role = if row.selected { Role::Here } else { Role::Text };
    let line = Line::from(vec![
        Span::styled(selected, scene.style(Role::Here)),
        Span::styled(faulted, scene.style(Role::Fault)),
        Span::styled(name, scene.style(role)),
    ]);
    paint::left(buffer, area, &line);
    let second = paint::row(area, 1);
    if second.height > 0 && (area.height > 2 || !row.facts.are_telling()) {
        let remote = format!("   {}", fit(row.remote, usize::from(columns.name)));
        let line = Line::styled(remote, scene.style(Role::Quiet));
        paint::left(buffer, second, &line);
        let room = usize::from(MARKS - 1 + columns.name).saturating_sub(line.width() + 1);
        let before = "before";
        if has_before(area, row) && room >= before.len() {
            let width = MARKS - 1 + columns.name;
            let line = Line::styled(before, scene.style(Role::Quiet));
            paint::right(buffer, Rect { width, ..second }, &line);
        }
    }
}

/// The figure of before below that of now.
fn draw_before(scene: &Scene, area: Rect, buffer: &mut Buffer, row: &Row, column: Column) {
    let Some(before) = row.before.filter(|_| area.height > 0) else {
        return;
    };
    let text = match column {
        Column::Rate => figures::rate(before.rate),
        Column::P50 => latency(before.p50_us),
        Column::P99 => latency(before.p99_us) + " ",
        Column::Errors => share(before.errors),
        Column::Abandoned => share(before.abandoned),
        _ => return,
    };
    paint::right(buffer, area, &Line::styled(text, scene.style(Role::Quiet)));
}

fn figure(scene: &Scene, row: &Row, column: Column) -> Vec<Span<'static>> {
    let now = &row.recent;
    let plain = |text: String, role| vec![Span::styled(text, scene.style(role))];
    match column {
        Column::Rate => plain(figures::rate(now.rate), Role::Text),
        Column::P50 => plain(latency(now.p50_us), Role::Text),
        Column::P99 if is_slower(row) => plain(latency(now.p99_us) + "↑", Role::Bad),
        Column::P99 => plain(latency(now.p99_us) + " ", Role::Text),
        Column::P99Before => {
            let before = row.before.and_then(|before| before.p99_us);
            plain(latency(before), Role::Quiet)
        }
        Column::Errors => plain(share(now.errors), loud(now.errors)),
        Column::Abandoned => plain(share(now.abandoned), loud(now.abandoned)),
        Column::InFlight => match row.in_flight {
            Some((now, _)) if row.facts.limit.is_some() => {
                let limit = row.facts.limit.unwrap_or_default();
                let role = if now >= limit { Role::Bad } else { Role::Text };
                let full = if now >= limit { "!" } else { " " };
                plain(format!("{now}/{limit}{full}"), role)
            }
            Some((now, most)) => vec![
                Span::styled(now.to_string(), scene.style(Role::Text)),
                Span::styled(format!(" of {most:<2}"), scene.style(Role::Quiet)),
            ],
            None => Vec::new(),
        },
        Column::Retries => match (row.facts.amplification, row.facts.attempts_max) {
            (Some(times), _) => plain(figures::times(times), Role::Text),
            (None, Some(most)) => plain(format!("max {most}"), Role::Text),
            (None, None) if row.in_flight.is_none() => Vec::new(),
            (None, None) => plain("–".to_owned(), Role::Quiet),
        },
        Column::Remote | Column::Trend => Vec::new(),
    }
}

fn is_slower(row: &Row) -> bool {
    let before = row.before.and_then(|before| before.p99_us);
    matches!((before, row.recent.p99_us), (Some(before), Some(now))
        if now > before.saturating_mul(SLOWER) && now > before + 1_000)
}

fn loud(share: Option<f64>) -> Role {
    match share {
        Some(share) if share >= LOUD => Role::Bad,
        Some(share) if share > 0.0 => Role::Text,
        _ => Role::Quiet,
    }
}

fn latency(us: Option<u64>) -> String {
    us.map_or_else(|| "–".to_owned(), figures::latency)
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), figures::percent)
}

/// Where each column stands in an area.
fn places(columns: &Columns, area: Rect) -> impl Iterator<Item = (Column, Rect)> {
    let mut x = area.x + MARKS - 1 + columns.name;
    columns.beside.iter().map(move |&(column, width)| {
        let place = Rect {
            x: x + columns.gap,
            width,
            ..area
        };
        x = place.right();
        (column, place)
    })
}
