//! The game day's hypothesis and how far it has come.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::layout::Need;
use super::{Scene, paint};
use crate::snapshot::GameDayView;
use crate::tui::figures::fit;
use crate::tui::theme::Role;

/// The phases of a game day, in order, as the engine names them.
const PHASES: [&str; 4] = ["steady state", "faults", "recovery", "steady state again"];
/// What it is called after the last one.
const OVER: &str = "over";
/// Least width that holds all phases and a bar.
const ALL_PHASES: u16 = 78;

/// A row for the hypothesis and one for the phases, where a game day is run.
pub fn need(scene: &Scene) -> Need {
    if scene.snapshot().game_day.is_none() {
        return Need::NOTHING;
    }
    let rows = 2 + u16::from(scene.roomy);
    Need {
        least: 1,
        ..Need::rows(4, rows)
    }
}

/// Draws the phases, and the hypothesis above them where there are two rows.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let Some(game_day) = &scene.snapshot().game_day else {
        return;
    };
    let mut rows = 0;
    if area.height > 1 {
        let text = fit(
            &game_day.hypothesis,
            usize::from(area.width).saturating_sub(2),
        );
        let line = Line::styled(format!(" {text}"), scene.style(Role::Strong));
        paint::left(buffer, area, &line);
        rows = 1;
    }
    let line = if area.width >= ALL_PHASES {
        all(scene, game_day, area.width)
    } else {
        current(scene, game_day, area.width)
    };
    paint::left(buffer, paint::row(area, rows), &line);
}

/// Every phase: those behind, the one now with its bar, those to come.
fn all(scene: &Scene, game_day: &GameDayView, width: u16) -> Line<'static> {
    let Some(now) = position(&game_day.phase) else {
        return current(scene, game_day, width);
    };
    let bar_width = (width - ALL_PHASES + 9).min(30);
    let mut spans = vec![Span::raw(" ")];
    for (index, phase) in PHASES.into_iter().enumerate() {
        if index > 0 {
            spans.push(Span::styled(" · ", scene.style(Role::Quiet)));
        }
        if index == now {
            // Stopped here, where a verdict is there already.
            let symbol = if game_day.verdict.is_some() {
                '■'
            } else {
                '●'
            };
            spans.push(Span::styled(
                format!("{symbol} {phase}"),
                scene.style(Role::Here),
            ));
            spans.extend(progress(scene, game_day, bar_width));
        } else {
            let symbol = if index < now { '✓' } else { '○' };
            spans.push(Span::styled(
                format!("{symbol} {phase}"),
                scene.style(Role::Quiet),
            ));
        }
    }
    Line::from(spans)
}

fn current(scene: &Scene, game_day: &GameDayView, width: u16) -> Line<'static> {
    let name = format!(" ● {}", game_day.phase);
    let room = width.saturating_sub(name.chars().count() as u16 + 7);
    let mut spans = vec![Span::styled(name, scene.style(Role::Here))];
    spans.extend(progress(scene, game_day, room.min(30)));
    Line::from(spans)
}

fn progress(scene: &Scene, game_day: &GameDayView, width: u16) -> Vec<Span<'static>> {
    let Some(progress) = game_day.progress else {
        return Vec::new();
    };
    let (done, rest) = paint::bar(progress, width);
    let percent = (progress.clamp(0.0, 1.0) * 100.0) as u32;
    vec![
        Span::styled(format!(" {done}"), scene.style(Role::Here)),
        Span::styled(format!("{rest} {percent:>3}%"), scene.style(Role::Quiet)),
    ]
}

fn position(phase: &str) -> Option<usize> {
    if phase == OVER {
        return Some(PHASES.len());
    }
    PHASES.iter().position(|known| *known == phase)
}
