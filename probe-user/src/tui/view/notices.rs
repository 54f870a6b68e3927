//! What makes the figures weaker than they look.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::layout::Need;
use super::{Scene, paint};
use crate::tui::figures::{count, fit};
use crate::tui::theme::Role;

/// No picture for this long is worth a word.
const LONG: Duration = Duration::from_secs(3);

/// A row a notice; one at least.
pub fn need(scene: &Scene) -> Need {
    let rows = notices(scene).len() as u16;
    if rows == 0 {
        return Need::NOTHING;
    }
    let want = rows.min(2);
    Need {
        rank: 4,
        least: 1,
        want,
        most: rows,
    }
}

/// Draws the notices, the weightiest first.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let notices = notices(scene);
    let hidden = notices.len().saturating_sub(usize::from(area.height));
    for (index, notice) in notices.iter().take(usize::from(area.height)).enumerate() {
        let last = index + 1 == usize::from(area.height);
        let more = match hidden {
            1.. if last => format!(" (+{hidden})"),
            _ => String::new(),
        };
        let room = usize::from(area.width).saturating_sub(4 + more.len());
        let text = format!(" ! {}{more}", fit(notice, room));
        let line = Line::styled(text, scene.style(Role::Warning));
        paint::left(buffer, paint::row(area, index), &line);
    }
}

fn notices(scene: &Scene) -> Vec<String> {
    let mut notices = Vec::new();
    let over = (scene.snapshot().game_day.as_ref()).is_some_and(|day| day.verdict.is_some());
    if scene.state.begun && scene.state.silence >= LONG && !over {
        let seconds = scene.state.silence.as_secs();
        notices.push(format!("no news for {seconds} s: this picture is old"));
    }
    let lost = scene.snapshot().lost_events;
    if lost > 0 {
        let lost = count(lost);
        notices.push(format!(
            "{lost} events lost: figures are weaker than they look"
        ));
    }
    notices.extend(scene.snapshot().notices.iter().cloned());
    notices
}
