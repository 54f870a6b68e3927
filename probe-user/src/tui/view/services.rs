//! The system under test, by the calls that come in to it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::facts::Facts;
use super::layout::Need;
use super::table::{self, Figures, Row};
use super::{Scene, dependencies, paint};
use crate::snapshot::ServiceView;

/// A heading, and a line or more for each.
pub fn need(scene: &Scene) -> Need {
    table::need(scene, 6, scene.snapshot().services.len(), 0, 2)
}

/// Draws the table in the columns of the dependencies.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let title = paint::title(scene, "Services", false);
    paint::heading(scene, buffer, area, title, Span::raw(""));
    let services = &scene.snapshot().services;
    let below = u16::from(scene.roomy && area.height > 2);
    let body = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1 + below),
        ..area
    };
    let columns = dependencies::columns(scene, area.width);
    let rows: Vec<Row> = services.iter().map(row).collect();
    table::draw(scene, body, buffer, &columns, &rows);
}

fn row(service: &ServiceView) -> Row<'_> {
    Row {
        name: service.name.clone(),
        remote: &service.listen,
        recent: Figures::waited(&service.recent),
        before: service.baseline.as_ref().map(Figures::waited),
        in_flight: None,
        seconds: &service.seconds,
        faulted: false,
        selected: false,
        facts: Facts::default(),
    }
}
