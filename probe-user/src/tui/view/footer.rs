//! The keys, as many as fit, the emergency stop first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::layout::Need;
use super::{Scene, paint};
use crate::tui::figures::fit;
use crate::tui::keys::{BINDINGS, Binding};
use crate::tui::message::{Action, Target};
use crate::tui::replay;
use crate::tui::state::active_faults;
use crate::tui::theme::Role;

/// Between two keys.
const GAP: &str = "  ";

/// One row, right after the title.
pub fn need(_: &Scene) -> Need {
    Need::rows(1, 1)
}

/// Draws the keys at the bottom of the area.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if let Some(said) = &scene.state.said {
        let text = fit(&format!(" ! {said}"), usize::from(area.width));
        paint::left(
            buffer,
            area,
            &Line::styled(text, scene.style(Role::Warning)),
        );
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    let mut width = 1;
    let bindings = match scene.snapshot().replay {
        None => BINDINGS.iter().collect(),
        Some(_) => replay::footer(),
    };
    for binding in bindings.into_iter().filter(|it| is_shown(scene, it)) {
        let text = format!("{} {}", binding.shown, binding.short);
        let length = text.chars().count();
        if width + length > usize::from(area.width) {
            break;
        }
        let place = Rect {
            x: area.x + width as u16,
            width: length as u16,
            ..paint::row(area, 0)
        };
        scene.point(place, Target::Action(binding.action));
        width += length + GAP.len();
        spans.extend(key(scene, binding));
    }
    paint::left(buffer, area, &Line::from(spans));
}

fn key(scene: &Scene, binding: &'static Binding) -> Vec<Span<'static>> {
    let armed = active_faults(&scene.state.latest) > 0;
    if binding.action == Action::StopFaults && armed {
        let text = format!("{} {}", binding.shown, binding.short);
        let style = scene.style(Role::LoudBanner);
        return vec![Span::styled(text, style), Span::raw(GAP)];
    }
    vec![
        Span::styled(binding.shown, scene.style(Role::Strong)),
        Span::styled(format!(" {}{GAP}", binding.short), scene.style(Role::Quiet)),
    ]
}

/// Whether a key is worth its room: where faults can't be started, that key isn't.
fn is_shown(scene: &Scene, binding: &Binding) -> bool {
    let is_of_use = binding.action != Action::Inject || scene.state.latest.can_inject;
    !binding.short.is_empty() && is_of_use
}
