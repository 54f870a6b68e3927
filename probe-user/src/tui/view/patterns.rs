//! Resilience patterns: a line for each service and dependency of which something is known.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::layout::Need;
use super::{Scene, paint};
use crate::snapshot::PatternView;
use crate::tui::figures::fit;
use crate::tui::theme::Role;

/// A name longer than this is cut.
const NAME: usize = 28;

/// A heading, and a line for each.
pub fn need(scene: &Scene) -> Need {
    Need::list(7, scene.snapshot().patterns.len(), 1, scene.roomy)
}

/// Draws what is known: what showed, and what had every chance to and did not.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let patterns = &scene.snapshot().patterns;
    let room = usize::from(area.height.saturating_sub(1));
    let note = match patterns.len().saturating_sub(room) {
        0 => Span::raw(""),
        hidden => Span::styled(format!("+{hidden}"), scene.style(Role::Warning)),
    };
    let title = paint::title(scene, "Patterns", false);
    paint::heading(scene, buffer, area, title, note);
    let widest = patterns.iter().map(|it| it.name.chars().count()).max();
    let name_width = widest.unwrap_or(0).min(NAME);
    for (index, pattern) in patterns.iter().take(room).enumerate() {
        let line = line(scene, pattern, name_width, usize::from(area.width));
        paint::left(buffer, paint::row(area, 1 + index), &line);
    }
}

/// All of them, and the parameters of as many as there is room for.
fn line(scene: &Scene, pattern: &PatternView, name_width: usize, width: usize) -> Line<'static> {
    let name = fit(&pattern.name, name_width);
    let name = format!(" {name:<name_width$}");
    let mut spans = vec![Span::styled(name, scene.style(Role::Text))];
    let length = |text: &str| text.chars().count();
    let names: usize = pattern.told.iter().map(|it| length(&it.name) + 4).sum();
    let mut left = width.saturating_sub(name_width + 1 + names);
    for it in &pattern.told {
        let (symbol, role) = match it.is_there {
            true => ("✓", Role::Good),
            false => ("✗", Role::Bad),
        };
        let mut words = it.name.clone();
        if length(&it.parameters) <= left {
            left -= length(&it.parameters);
            words += &it.parameters;
        }
        spans.push(Span::styled(format!("  {symbol} "), scene.style(role)));
        spans.push(Span::styled(words, scene.style(Role::Text)));
    }
    Line::from(spans)
}
