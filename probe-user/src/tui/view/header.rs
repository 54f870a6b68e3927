//! The bar at the top: what this is, whether the picture stands still, and the time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::layout::Need;
use super::{Scene, paint};
use crate::tui::figures::{clock, fit};
use crate::tui::replay;
use crate::tui::state::active_faults;
use crate::tui::theme::Role;

/// One row, before all others.
pub fn need(_: &Scene) -> Need {
    Need::rows(0, 1)
}

/// Draws the bar.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let bar = scene.style(Role::TitleBar);
    buffer.set_style(area, bar);
    let right = right_end(scene);
    let room = usize::from(area.width).saturating_sub(right.width() + 9);
    let title = match &scene.snapshot().game_day {
        Some(game_day) => &game_day.name,
        None => &scene.snapshot().title,
    };
    paint::left(
        buffer,
        area,
        &Line::styled(format!(" probe  {}", fit(title, room)), bar),
    );
    paint::right(buffer, area, &right);
}

fn right_end(scene: &Scene) -> Line<'static> {
    let bar = scene.style(Role::TitleBar);
    let mut spans = Vec::new();
    if let Some(replay) = scene.snapshot().replay {
        let text = format!(" {} ", replay::words(replay));
        spans.push(Span::styled(text, scene.style(Role::LoudBanner)));
        spans.push(Span::styled(" ", bar));
    }
    if scene.state.paused {
        let text = format!(" PAUSED · now {} ", clock(scene.state.latest.elapsed_ms));
        spans.push(Span::styled(text, scene.style(Role::LoudBanner)));
        spans.push(Span::styled(" ", bar));
    }
    let faults = active_faults(scene.snapshot());
    if faults > 0 {
        let text = match faults {
            1 => " ◆ 1 fault ".to_owned(),
            _ => format!(" ◆ {faults} faults "),
        };
        spans.push(Span::styled(text, scene.style(Role::LoudBanner)));
        spans.push(Span::styled(" ", bar));
    }
    let elapsed = format!(" {} ", clock(scene.snapshot().elapsed_ms));
    spans.push(Span::styled(elapsed, bar));
    Line::from(spans)
}
