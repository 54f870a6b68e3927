//! What happened, the newest at the bottom.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::layout::Need;
use super::{Scene, paint};
use crate::snapshot::{TimelineEntry, TimelineKind};
use crate::tui::figures::{clock, fit};
use crate::tui::message::Target;
use crate::tui::state::Focus;
use crate::tui::theme::Role;

/// A heading and some lines; all rows that nobody else has a use for.
pub fn need(scene: &Scene) -> Need {
    if scene.snapshot().timeline.is_empty() {
        return Need::NOTHING;
    }
    Need {
        rank: 7,
        least: 3,
        want: 7,
        most: u16::MAX,
    }
}

/// Draws the newest entries, or older ones where it is scrolled back.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let entries = &scene.snapshot().timeline;
    let room = usize::from(area.height.saturating_sub(1));
    let back = scene.state.scrolled_back;
    // Scrolling ends with the oldest entry at the top, not with an empty region.
    let end = entries
        .len()
        .saturating_sub(back)
        .max(room.min(entries.len()));
    let title = paint::title(scene, "Timeline", scene.state.focus == Focus::Timeline);
    let note = match entries.len() - end {
        0 => Span::raw(""),
        newer => Span::styled(format!("↓{newer} newer"), scene.style(Role::Warning)),
    };
    paint::heading(scene, buffer, area, title, note);
    scene.point(area, Target::Timeline);
    let start = end.saturating_sub(room);
    for (index, entry) in entries[start..end].iter().enumerate() {
        let line = line(scene, entry, usize::from(area.width));
        paint::left(buffer, paint::row(area, 1 + index), &line);
    }
}

fn line(scene: &Scene, entry: &TimelineEntry, width: usize) -> Line<'static> {
    let (symbol, role) = match entry.kind {
        TimelineKind::Phase => ("●", Role::Strong),
        TimelineKind::Fault => ("◆", Role::Fault),
        TimelineKind::Command => ("$", Role::Text),
        TimelineKind::Expectation => ("=", Role::Text),
        TimelineKind::Pattern => ("~", Role::Text),
        TimelineKind::Alarm => ("!", Role::Bad),
        TimelineKind::Note => ("·", Role::Quiet),
    };
    let at = clock(entry.at_ms);
    let room = width.saturating_sub(at.len() + 5);
    Line::from(vec![
        Span::styled(format!(" {at} "), scene.style(Role::Quiet)),
        Span::styled(
            format!("{symbol} {}", fit(&entry.text, room)),
            scene.style(role),
        ),
    ])
}
