//! The dashboard as an SVG, for pages that want to show it.
//!
//! Block and line characters are drawn as shapes: fonts disagree about them, and leave seams.

use std::fmt::Write;
use std::sync::Arc;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::state::State;
use super::theme::Theme;
use super::view;
use crate::snapshot::Snapshot;

/// A cell's width and height, the font's size and its baseline, in pixels.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT: f64 = 14.0;
const BASELINE: f64 = 13.5;
/// Around the terminal.
const MARGIN: f64 = 14.0;
const GROUND: &str = "#14171c";
const TEXT: &str = "#d8dce2";
const FONTS: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";

/// A snapshot as the dashboard shows it in a terminal of `width` × `height` cells, as an SVG.
pub fn picture(snapshot: &Snapshot, width: u16, height: u16) -> String {
    let shown = Arc::new(snapshot.clone());
    let state = State {
        latest: Arc::clone(&shown),
        shown,
        begun: true,
        ..State::default()
    };
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    view::draw(&state, Theme::new(true), buffer.area, &mut buffer);
    draw(&buffer)
}

fn draw(buffer: &Buffer) -> String {
    let (width, height) = (
        f64::from(buffer.area.width) * CELL.0 + 2.0 * MARGIN,
        f64::from(buffer.area.height) * CELL.1 + 2.0 * MARGIN,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"{FONTS}\" \
         font-size=\"{FONT}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n\
         <g transform=\"translate({MARGIN} {MARGIN})\" shape-rendering=\"crispEdges\">\n"
    );
    for y in 0..buffer.area.height {
        draw_row(&mut svg, buffer, y);
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn draw_row(svg: &mut String, buffer: &Buffer, y: u16) {
    let cells: Vec<&Cell> = (0..buffer.area.width)
        .filter_map(|x| buffer.cell((x, y)))
        .collect();
    let top = f64::from(y) * CELL.1;
    for run in runs(&cells, |a, b| Look::of(a).ground == Look::of(b).ground) {
        if let Some(ground) = Look::of(cells[run.0]).ground {
            rectangle(svg, run.0, top, run.1 - run.0, CELL.1, &ground);
        }
    }
    let alike = |a: &Cell, b: &Cell| a.symbol() == b.symbol() && Look::of(a) == Look::of(b);
    for (from, to) in runs(&cells, alike) {
        draw_shape(svg, (from, to), top, cells[from]);
    }
    let together = |a: &Cell, b: &Cell| Look::of(a) == Look::of(b) && is_word(a) && is_word(b);
    for (from, to) in runs(&cells, together) {
        let word: String = cells[from..to].iter().map(|cell| cell.symbol()).collect();
        if !word.trim().is_empty() && shape(&word).is_none() {
            write_word(svg, from, top, &word, &Look::of(cells[from]));
        }
    }
}

/// Block or line characters as a rectangle.
fn draw_shape(svg: &mut String, (from, to): (usize, usize), top: f64, cell: &Cell) {
    let look = Look::of(cell);
    if let Some((begin, height)) = shape(cell.symbol()) {
        let (y, height) = (top + begin * CELL.1, height * CELL.1);
        rectangle(svg, from, y, to - from, height, &look.text);
    }
    if look.underlined {
        rectangle(svg, from, top + CELL.1 - 1.5, to - from, 1.5, &look.text);
    }
}

/// Where in its cell a character's shape begins and how high it is, as shares of the cell.
fn shape(symbol: &str) -> Option<(f64, f64)> {
    let mut chars = symbol.chars();
    let (Some(symbol), None) = (chars.next(), chars.next()) else {
        return None;
    };
    match symbol {
        '▁'..='█' => {
            let height = f64::from(symbol as u32 - '▁' as u32 + 1) / 8.0;
            Some((1.0 - height, height))
        }
        '─' | '┈' => Some((0.48, 0.06)),
        '━' => Some((0.43, 0.15)),
        _ => None,
    }
}

fn rectangle(svg: &mut String, x: usize, y: f64, cells: usize, height: f64, fill: &str) {
    let (x, width) = (x as f64 * CELL.0, cells as f64 * CELL.0);
    // Writing to a String cannot fail.
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
    );
}

fn write_word(svg: &mut String, x: usize, top: f64, word: &str, look: &Look) {
    let weight = if look.bold {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let length = word.chars().count() as f64 * CELL.0;
    let (x, y) = (x as f64 * CELL.0, top + BASELINE);
    let text = escape(word);
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" fill=\"{}\"{weight}>{text}</text>",
        look.text
    );
}

/// Whether a cell may share a text element: elements are one word of ASCII each, so that no
/// font's widths push what follows out of its column.
fn is_word(cell: &Cell) -> bool {
    cell.symbol().is_ascii() && cell.symbol() != " "
}

/// Neighbours that belong together, as ranges.
fn runs(cells: &[&Cell], together: impl Fn(&Cell, &Cell) -> bool) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut from = 0;
    for to in 1..=cells.len() {
        if to == cells.len() || !together(cells[to - 1], cells[to]) {
            runs.push((from, to));
            from = to;
        }
    }
    runs
}

/// How a cell looks, in an SVG's terms.
#[derive(PartialEq)]
struct Look {
    text: String,
    ground: Option<String>,
    bold: bool,
    underlined: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        Self {
            text: rgb(cell.fg).unwrap_or_else(|| TEXT.to_owned()),
            ground: rgb(cell.bg),
            bold: cell.modifier.contains(Modifier::BOLD),
            underlined: cell.modifier.contains(Modifier::UNDERLINED),
        }
    }
}

/// One of the 256 colours beyond the terminal's own sixteen, as xterm has them.
fn rgb(color: Color) -> Option<String> {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match color {
        Color::Indexed(index @ 16..=231) => {
            let index = index - 16;
            let (r, g, b) = (level(index / 36), level(index / 6 % 6), level(index % 6));
            Some(format!("#{r:02x}{g:02x}{b:02x}"))
        }
        Color::Indexed(index @ 232..) => {
            let grey = 8 + 10 * (index - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
        _ => None,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
