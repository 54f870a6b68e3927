//! The fault that is being thought of, over the picture: its fields, and what it would touch.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::{Scene, help, paint};
use crate::snapshot::TrialStage;
use crate::tui::figures::fit;
use crate::tui::form::{Field, Form};
use crate::tui::message::Target;
use crate::tui::theme::Role;

/// Columns of the form.
const WIDTH: u16 = 76;
/// Width of the labels, and of the values.
const LABEL: usize = 17;
const VALUE: usize = 22;

/// Draws it in the middle of the area, as much of it as fits.
pub fn draw(scene: &Scene, form: &Form, area: Rect, buffer: &mut Buffer) {
    let width = WIDTH.min(area.width);
    let inner = usize::from(width).saturating_sub(4);
    let (mut answer, key) = answer(scene, form, inner);
    // Once it was asked about, what is empty is of no interest.
    let is_shown = |it: &&Field| form.asked.is_none() || !it.value.text().is_empty();
    let fields: Vec<(bool, &Field)> = form
        .fields
        .iter()
        .enumerate()
        .filter(|(_, it)| is_shown(it))
        .map(|(index, it)| (index == form.at && form.asked.is_none(), it))
        .collect();
    let wanted = fields.len() as u16 + answer.len() as u16 + 4;
    let place = help::centred(area, width, wanted);
    Clear.render(place, buffer);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(scene.style(Role::Fault))
        .title(Line::styled(
            format!(" Inject · {} ", fit(&form.on, inner.saturating_sub(12))),
            scene.style(Role::Strong),
        ))
        .render(place, buffer);
    let inside = place.inner(Margin::new(2, 1));
    // What is asked last is what has to be seen: fields give way, and the key's line never does.
    let room = usize::from(inside.height).saturating_sub(3);
    let is_whole = answer.len() <= room;
    if !is_whole {
        answer.truncate(room.saturating_sub(1));
        answer.push(Line::styled(
            "… more than fits: make the terminal taller to read and arm it",
            scene.style(Role::Warning),
        ));
    }
    let below = (answer.len() as u16 + 2).min(inside.height.saturating_sub(1));
    let above = Rect {
        height: inside.height - below,
        ..inside
    };
    let room = usize::from(above.height).max(1);
    let at = fields.iter().position(|it| it.0).unwrap_or(0);
    let top = (at + 1).saturating_sub(room);
    for (row, (here, field)) in fields.into_iter().skip(top).take(room).enumerate() {
        paint::left(
            buffer,
            paint::row(above, row),
            &field_line(scene, field, here, inner),
        );
    }
    if form.asked.is_none() {
        let text = fit(&format!("  {}", form.fields[form.at].help), inner);
        let line = Line::styled(text, scene.style(Role::Text));
        paint::left(buffer, paint::row(inside, usize::from(above.height)), &line);
    }
    let lines = answer.iter().chain([&key]);
    for (index, line) in lines.enumerate() {
        let row = usize::from(above.height) + 1 + index;
        paint::left(buffer, paint::row(inside, row), line);
    }
    let is_in_front = scene.state.overlay.is_none();
    let is_read = is_whole && is_in_front && is_possible(scene, form);
    if let Some(asked) = form.asked.filter(|_| is_read) {
        scene.point(place, Target::Answer(asked));
    }
}

fn field_line(scene: &Scene, field: &Field, here: bool, width: usize) -> Line<'static> {
    let mark = if here { "▸" } else { " " };
    let text = field.value.text();
    let value = match (field.value.is_choice(), here) {
        (true, true) => format!("◂ {text} ▸"),
        (true, false) => format!("  {text}"),
        (false, true) => format!("  {}▏", last_of(text, VALUE - 3)),
        (false, false) if text.is_empty() => "  –".to_owned(),
        (false, false) => format!("  {text}"),
    };
    let value = fit(&value, VALUE);
    let role = if here { Role::Here } else { Role::Text };
    let room = width.saturating_sub(LABEL + VALUE + 3);
    Line::from(vec![
        Span::styled(mark, scene.style(Role::Here)),
        Span::styled(
            format!("{:<LABEL$}", field.label),
            scene.style(Role::Strong),
        ),
        Span::styled(format!("{value:<VALUE$} "), scene.style(role)),
        Span::styled(fit(&field.help, room), scene.style(Role::Quiet)),
    ])
}

/// The end of a text, where the cursor is.
fn last_of(text: &str, width: usize) -> String {
    let length = text.chars().count();
    text.chars().skip(length.saturating_sub(width)).collect()
}

/// Whether the engine said that it can be armed as it stands.
fn is_possible(scene: &Scene, form: &Form) -> bool {
    let trial = scene.state.latest.trial.as_ref();
    let trial = trial.filter(|it| form.asked == Some(it.number));
    trial.is_some_and(|it| it.stage == TrialStage::Possible)
}

/// What the engine said of it; and which key does what now.
fn answer(scene: &Scene, form: &Form, width: usize) -> (Vec<Line<'static>>, Line<'static>) {
    let quiet = |text: &str| Line::styled(fit(text, width), scene.style(Role::Quiet));
    let Some(asked) = form.asked else {
        let keys = "Enter: what would it touch?  ↑↓ field  ←→ choice  Esc: not after all";
        return (Vec::new(), quiet(keys));
    };
    let looking = quiet("looking at what it would touch …");
    let trial = scene.state.latest.trial.as_ref();
    let Some(trial) = trial.filter(|it| it.number == asked) else {
        return (Vec::new(), looking);
    };
    let role = match trial.stage {
        TrialStage::Refused => Role::Bad,
        _ => Role::Text,
    };
    let mut lines = Vec::new();
    for text in &trial.lines {
        let wrapped = super::details::wrapped(text, width.saturating_sub(2));
        let indented = wrapped.into_iter().enumerate().map(|(n, it)| match n {
            0 => it,
            _ => format!("  {it}"),
        });
        lines.extend(indented.map(|it| Line::styled(it, scene.style(role))));
    }
    let key = match trial.stage {
        TrialStage::Asked => looking,
        TrialStage::Refused => quiet("✗ it can't be armed. Esc: change it"),
        TrialStage::Possible if form.may_arm(scene.state.latest.elapsed_ms) => Line::styled(
            " Enter ARMS IT NOW · Esc: change it ",
            scene.style(Role::LoudBanner),
        ),
        TrialStage::Possible => quiet("this is what it would touch · Esc: change it"),
    };
    (lines, key)
}
