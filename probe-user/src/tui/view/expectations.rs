//! What the game day expects, and how each expectation stands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::layout::Need;
use super::{Scene, paint};
use crate::snapshot::{ExpectationView, Status};
use crate::tui::figures::{clock, fit};
use crate::tui::theme::Role;

/// For how long it stands out that an expectation turned.
const NEW_MS: u64 = 5_000;

/// A heading, and a line for each.
pub fn need(scene: &Scene) -> Need {
    Need::list(5, expectations(scene).len(), 4, scene.roomy)
}

/// Draws the expectations; where not all fit, those not met come first.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let mut expectations: Vec<&ExpectationView> = expectations(scene).iter().collect();
    let room = usize::from(area.height.saturating_sub(1));
    if expectations.len() > room {
        expectations.sort_by_key(|expectation| expectation.status != Status::NotMet);
    }
    let title = paint::title(scene, "Expectations", false);
    paint::heading(scene, buffer, area, title, note(scene, room));
    let name_width = widest(&expectations, |row| &row.name);
    let expected_width = widest(&expectations, |row| &row.expected);
    for (index, expectation) in expectations.into_iter().enumerate() {
        let widths = (name_width, expected_width);
        let line = line(scene, expectation, widths, usize::from(area.width));
        let row = paint::row(area, 1 + index);
        paint::left(buffer, row, &line);
        draw_turn(scene, row, buffer, expectation, line.width());
    }
}

/// Since when it stands as it does, where it turned; that stands out at first.
fn draw_turn(
    scene: &Scene,
    row: Rect,
    buffer: &mut Buffer,
    expectation: &ExpectationView,
    taken: usize,
) {
    let Some(at_ms) = scene.state.turned_at(expectation) else {
        return;
    };
    let is_new = scene.snapshot().elapsed_ms.saturating_sub(at_ms) < NEW_MS;
    let (text, role) = match (is_new, expectation.status) {
        (true, Status::Met) => (" ◂ now met ".to_owned(), Role::GoodBanner),
        (true, Status::NotMet) => (" ◂ now not met ".to_owned(), Role::BadBanner),
        _ => (format!("since {} ", clock(at_ms)), Role::Quiet),
    };
    let line = Line::styled(text, scene.style(role));
    if taken + line.width() < usize::from(row.width) {
        paint::right(buffer, row, &line);
    }
}

fn expectations<'a>(scene: &Scene<'a>) -> &'a [ExpectationView] {
    let game_day = scene.snapshot().game_day.as_ref();
    game_day.map_or(&[], |game_day| &game_day.expectations)
}

fn note(scene: &Scene, room: usize) -> Span<'static> {
    match expectations(scene).len().saturating_sub(room) {
        0 => Span::raw(""),
        hidden => Span::styled(format!("+{hidden}"), scene.style(Role::Warning)),
    }
}

fn line(
    scene: &Scene,
    expectation: &ExpectationView,
    (name_width, expected_width): (usize, usize),
    width: usize,
) -> Line<'static> {
    let (symbol, role) = match expectation.status {
        Status::Met => ("✓", Role::Good),
        Status::NotMet => ("✗", Role::Bad),
        Status::Unknown => ("?", Role::Quiet),
    };
    let name_width = name_width.min(width.saturating_sub(8) / 2);
    let name = fit(&expectation.name, name_width);
    let text = match expectation.status {
        Status::NotMet => Role::Bad,
        _ => Role::Text,
    };
    Line::from(vec![
        Span::styled(format!(" {symbol} "), scene.style(role)),
        Span::styled(format!("{name:<name_width$}  "), scene.style(Role::Text)),
        Span::styled(
            format!("{:<expected_width$}  ", expectation.expected),
            scene.style(Role::Quiet),
        ),
        Span::styled(expectation.measured.clone(), scene.style(text)),
    ])
}

fn widest<'a>(
    rows: &[&'a ExpectationView],
    text: impl Fn(&'a ExpectationView) -> &'a str,
) -> usize {
    rows.iter()
        .map(|row| text(row).chars().count())
        .max()
        .unwrap_or(0)
}
