//! The keys and the marks, over the picture.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::{Scene, paint};
use crate::tui::keys::BINDINGS;
use crate::tui::replay;
use crate::tui::theme::Role;

/// What the marks mean.
const MARKS: [(&str, &str); 7] = [
    ("◆", "a fault is armed; ◇ it is over"),
    ("○ ◐", "the caller's circuit breaker is open, half open"),
    ("× /", "a second in which 5% failed, most of them given up"),
    ("▁▇", "median a second; underlined: under a fault"),
    ("━ ┈", "calls went well under a fault, without one"),
    ("↑", "p99 more than twice that of the steady state"),
    (
        "n/m",
        "in flight of the bulkhead's limit; n of m: of the most",
    ),
];

/// Draws the help in the middle of the area, as much of it as fits.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let mut lines = lines(scene);
    if lines.len() + 2 > usize::from(area.height) {
        lines.retain(|line| line.width() > 0);
    }
    let width = lines.iter().map(Line::width).max().unwrap_or(0) as u16 + 4;
    let place = centred(area, width, lines.len() as u16 + 2);
    Clear.render(place, buffer);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(scene.style(Role::Quiet))
        .title(Line::styled(" Help ", scene.style(Role::Strong)))
        .render(place, buffer);
    let inside = place.inner(Margin::new(2, 1));
    for (index, line) in lines.iter().enumerate() {
        paint::left(buffer, paint::row(inside, index), line);
    }
}

fn lines(scene: &Scene) -> Vec<Line<'static>> {
    let pair = |left: &'static str, right: &'static str| {
        Line::from(vec![
            Span::styled(format!("{left:<7}"), scene.style(Role::Strong)),
            Span::styled(right, scene.style(Role::Text)),
        ])
    };
    let of_replay = match scene.snapshot().replay {
        None => &[],
        Some(_) => replay::BINDINGS,
    };
    let keys = of_replay
        .iter()
        .chain(BINDINGS)
        .filter(|binding| !binding.shown.is_empty())
        .map(|binding| pair(binding.shown, binding.help));
    let marks = MARKS.iter().map(|(mark, meaning)| pair(mark, meaning));
    keys.chain([Line::default()]).chain(marks).collect()
}

/// The middle of an area.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}
