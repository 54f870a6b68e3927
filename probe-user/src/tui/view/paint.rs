//! Strokes that regions share. Nothing is ever painted outside of the area given.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Scene;
use crate::tui::theme::Role;

/// Row `row` of an area; empty where the area has no such row.
pub fn row(area: Rect, row: usize) -> Rect {
    match u16::try_from(row) {
        Ok(row) if row < area.height => Rect {
            y: area.y + row,
            height: 1,
            ..area
        },
        _ => Rect { height: 0, ..area },
    }
}

/// A line from the area's left edge, in its first row.
pub fn left(buffer: &mut Buffer, area: Rect, line: &Line) {
    let area = area.intersection(buffer.area);
    if !area.is_empty() {
        buffer.set_line(area.x, area.y, line, area.width);
    }
}

/// A line up to the area's right edge, in its first row; nothing where it doesn't fit.
pub fn right(buffer: &mut Buffer, area: Rect, line: &Line) {
    let width = line.width() as u16;
    if width <= area.width {
        let x = area.right() - width;
        left(buffer, Rect { x, width, ..area }, line);
    }
}

/// A region's heading: its title, a rule, and a note at the right end.
pub fn heading(scene: &Scene, buffer: &mut Buffer, area: Rect, title: Span, note: Span) {
    let note_width = match note.width() {
        0 => 0,
        width => width + 1,
    };
    let rule = usize::from(area.width).saturating_sub(title.width() + 1 + note_width);
    let mut spans = vec![
        title,
        Span::raw(" "),
        Span::styled("─".repeat(rule), scene.style(Role::Quiet)),
    ];
    if note_width > 0 {
        spans.extend([Span::raw(" "), note]);
    }
    left(buffer, area, &Line::from(spans));
}

/// The title of a region; told apart where the arrows move in it.
pub fn title(scene: &Scene, text: &'static str, here: bool) -> Span<'static> {
    if here {
        Span::styled(format!("▸ {text}"), scene.style(Role::Here))
    } else {
        Span::styled(text, scene.style(Role::Strong))
    }
}

/// A bar: heavy as far as the share (0 to 1) goes, thin for the rest.
pub fn bar(share: f64, width: u16) -> (String, String) {
    let width = usize::from(width);
    let filled = ((share.clamp(0.0, 1.0) * width as f64).round() as usize).min(width);
    ("━".repeat(filled), "─".repeat(width - filled))
}
