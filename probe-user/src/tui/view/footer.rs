//! The keys, as many as fit, the emergency stop first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::layout::Need;
use super::{Scene, paint};
use crate::tui::keys::{BINDINGS, Binding};
use crate::tui::message::Action;
use crate::tui::replay;
use crate::tui::state::active_faults;
use crate::tui::theme::Role;

/// One row, right after the title.
pub fn need(_: &Scene) -> Need {
    Need::rows(1, 1)
}

/// Draws the keys at the bottom of the area.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let mut spans = vec![Span::raw(" ")];
    let mut width = 1;
    let bindings = match scene.snapshot().replay {
        None => BINDINGS.iter().collect(),
        Some(_) => replay::footer(),
    };
    for binding in bindings.into_iter().filter(|it| !it.short.is_empty()) {
        let text = format!("{} {}", binding.shown, binding.short);
        width += text.chars().count() + 3;
        if width > usize::from(area.width) + 2 {
            break;
        }
        spans.extend(key(scene, binding));
    }
    paint::left(buffer, area, &Line::from(spans));
}

fn key(scene: &Scene, binding: &'static Binding) -> Vec<Span<'static>> {
    let armed = active_faults(&scene.state.latest) > 0;
    if binding.action == Action::StopFaults && armed {
        let text = format!("{} {}", binding.shown, binding.short);
        let style = scene.style(Role::LoudBanner);
        return vec![Span::styled(text, style), Span::raw("   ")];
    }
    vec![
        Span::styled(binding.shown, scene.style(Role::Strong)),
        Span::styled(format!(" {}   ", binding.short), scene.style(Role::Quiet)),
    ]
}
