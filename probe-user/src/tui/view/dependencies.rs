//! Who calls whom, how fast, how well.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::columns::{Column, Columns};
use super::facts::{self, Facts};
use super::layout::Need;
use super::table::{self, Figures, Row};
use super::{Scene, paint};
use crate::snapshot::{Breaker, DependencyView};
use crate::tui::figures::fit;
use crate::tui::message::Target;
use crate::tui::state::{DependencyKey, Focus, Sort};
use crate::tui::theme::Role;

/// A heading, and a line or more for each; three of them before most else.
pub fn need(scene: &Scene) -> Need {
    let rows = scene.state.rows();
    let telling = rows.iter().filter(|row| Facts::of(row).are_telling());
    table::need(scene, 2, rows.len().max(1), telling.count(), 3)
}

/// Draws the table, scrolled so that the selected line is seen.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let dependencies = scene.state.rows();
    let selected = scene.state.selected_row(&dependencies);
    let body = body(scene, area);
    let room = usize::from(body.height);
    let top = first_shown(dependencies.len(), room, selected);
    let columns = columns(scene, area.width);
    draw_heading(scene, area, buffer, &columns, (top, room));
    if dependencies.is_empty() {
        let text = match (scene.state.begun, &scene.state.filter) {
            (true, Some(_)) if !scene.snapshot().dependencies.is_empty() => {
                "   none fits the filter: / changes it, Esc takes it away"
            }
            (true, _) => "   no call was seen yet",
            (false, _) => "   waiting for the first figures",
        };
        let line = Line::styled(text, scene.style(Role::Quiet));
        paint::left(buffer, body, &line);
        return;
    }
    let rows: Vec<Row> = (dependencies.iter().enumerate())
        .skip(top)
        .take(room)
        .map(|(index, dependency)| row(dependency, selected == Some(index)))
        .collect();
    let places = table::draw(scene, body, buffer, &columns, &rows);
    for (place, dependency) in places.into_iter().zip(&dependencies[top..]) {
        scene.point(place, Target::Dependency(DependencyKey::of(dependency)));
    }
}

/// The columns at a width; services keep to the same, so that figures stand below each other.
pub fn columns(scene: &Scene, width: u16) -> Columns {
    let names = scene.snapshot().dependencies.iter().map(name);
    let services = scene.snapshot().services.iter().map(|row| row.name.clone());
    let longest = names.chain(services).map(|name| name.chars().count()).max();
    // Taller lines have the address below the name and the figures of before below those of now.
    let leave: &[Column] = match (scene.tall, has_baseline(scene)) {
        (true, _) => &[Column::Remote, Column::P99Before],
        (false, false) => &[Column::P99Before],
        (false, true) => &[],
    };
    Columns::choose(width, longest.unwrap_or(0), leave)
}

fn draw_heading(
    scene: &Scene,
    area: Rect,
    buffer: &mut Buffer,
    columns: &Columns,
    (top, room): (usize, usize),
) {
    let here = scene.state.focus == Focus::Dependencies && scene.state.selected.is_some();
    let title = paint::title(scene, "Dependencies", here);
    let hidden = scene.state.rows().len().saturating_sub(room);
    let mut spans = vec![title];
    if hidden > 0 {
        let arrows = match top {
            0 => "↓",
            _ if top == hidden => "↑",
            _ => "↕",
        };
        let text = format!(" {arrows}{hidden}");
        spans.push(Span::styled(text, scene.style(Role::Warning)));
    }
    if scene.state.sort != Sort::Name {
        let text = format!(" by {}", scene.state.sort.name());
        spans.push(Span::styled(text, scene.style(Role::Here)));
    }
    if let Some(filter) = &scene.state.filter {
        let cursor = if scene.state.typing { "▏" } else { "" };
        let text = format!(" /{}{cursor}", fit(filter, 16));
        spans.push(Span::styled(text, scene.style(Role::Here)));
    }
    paint::left(buffer, area, &Line::from(spans));
    table::labels(scene, paint::row(area, 0), buffer, columns);
}

fn body(scene: &Scene, area: Rect) -> Rect {
    let below = u16::from(scene.roomy && area.height > 2);
    Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1 + below),
        ..area
    }
}

fn row(dependency: &DependencyView, selected: bool) -> Row<'_> {
    Row {
        name: name(dependency),
        remote: &dependency.remote,
        recent: Figures::answered(&dependency.recent),
        before: dependency.baseline.as_ref().map(Figures::answered),
        in_flight: Some((dependency.in_flight, dependency.in_flight_max)),
        seconds: &dependency.seconds,
        faulted: dependency.faulted,
        selected,
        facts: Facts::of(dependency),
    }
}

/// "shop → payments"; the arrow is the breaker's symbol while that isn't closed.
pub fn name(dependency: &DependencyView) -> String {
    let arrow = match dependency.breaker {
        Some(it @ (Breaker::Open | Breaker::HalfOpen)) => facts::symbol(it),
        _ => "→",
    };
    format!("{} {arrow} {}", dependency.service, dependency.name)
}

fn has_baseline(scene: &Scene) -> bool {
    let dependencies = &scene.snapshot().dependencies;
    dependencies.iter().any(|row| row.baseline.is_some())
}

/// The first of `count` lines shown in `room`, so that the selected one is seen.
fn first_shown(count: usize, room: usize, selected: Option<usize>) -> usize {
    let last_start = count.saturating_sub(room);
    let selected = selected.unwrap_or(0);
    selected.saturating_sub(room / 2).min(last_start)
}

#[cfg(test)]
mod tests {
    use super::first_shown;

    #[test]
    fn the_selected_line_is_always_seen() {
        for count in 0..30 {
            for room in 1..12 {
                for selected in 0..count {
                    let top = first_shown(count, room, Some(selected));
                    assert!(top <= selected && selected < top + room);
                }
            }
        }
    }
}
