//! The line nobody may miss: the emergency stop, the leaving, the verdict.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::layout::Need;
use super::{Scene, paint};
use crate::snapshot::GameDayView;
use crate::tui::figures::{clock, fit};
use crate::tui::state::{Leaving, Stop, active_faults};
use crate::tui::theme::Role;

/// Faults still active this long after a stop make the banner tell another way.
const SLOW: Duration = Duration::from_secs(2);

/// One row, three where there is room, none where there is nothing to say.
pub fn need(scene: &Scene) -> Need {
    match text(scene) {
        Some(_) => Need {
            least: 1,
            ..Need::rows(1, if scene.roomy { 4 } else { 1 })
        },
        None => Need::NOTHING,
    }
}

/// Draws the banner.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let Some((role, text)) = text(scene) else {
        return;
    };
    // In a roomy picture the last row is air.
    let height = if area.height > 3 { 3 } else { 1 };
    let area = Rect { height, ..area };
    buffer.set_style(area, scene.style(role));
    let text = fit(&text, usize::from(area.width).saturating_sub(2));
    let line = Line::styled(format!(" {text}"), scene.style(role));
    paint::left(buffer, paint::row(area, usize::from(height / 2)), &line);
}

fn text(scene: &Scene) -> Option<(Role, String)> {
    let active = active_faults(&scene.state.latest);
    if let Some(stop) = scene.state.stop
        && (stop.unheard || active > 0)
    {
        return Some(stopping(scene, stop, active));
    }
    let game_day = scene.snapshot().game_day.as_ref();
    if let Some(verdict) = game_day.and_then(verdict) {
        return Some(verdict);
    }
    scene.state.stop.map(|stop| {
        let what = match stop.faults {
            0 => "NO FAULT IS ACTIVE",
            _ => "STOPPED: EVERY FAULT HAS ENDED",
        };
        let at = clock(stop.at_ms);
        (
            Role::GoodBanner,
            format!("■ {what}  by hand at {at} · Esc hides this"),
        )
    })
}

fn stopping(scene: &Scene, stop: Stop, active: usize) -> (Role, String) {
    if stop.unheard {
        let text = "✗ THE ENGINE DOES NOT ANSWER  run `probe stop` in another terminal";
        return (Role::BadBanner, text.to_owned());
    }
    if scene.state.since(stop) >= SLOW {
        let text = format!("✗ {active} STILL ACTIVE  run `probe stop` in another terminal");
        return (Role::BadBanner, text);
    }
    let then = match scene.state.leaving {
        Leaving::No => "",
        _ => ", THEN LEAVING  q again leaves at once",
    };
    (Role::LoudBanner, format!("■ ENDING EVERY FAULT{then}"))
}

fn verdict(game_day: &GameDayView) -> Option<(Role, String)> {
    let verdict = game_day.verdict.as_deref()?;
    let (role, symbol) = match verdict {
        "passed" => (Role::GoodBanner, '✓'),
        "failed" => (Role::BadBanner, '✗'),
        "aborted" => (Role::LoudBanner, '■'),
        _ => (Role::LoudBanner, '?'),
    };
    let reason = game_day.reason.as_deref().unwrap_or_default();
    Some((
        role,
        format!("{symbol} {}  {reason}", verdict.to_uppercase()),
    ))
}
