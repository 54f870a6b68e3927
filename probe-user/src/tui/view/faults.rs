//! Faults: how long each still holds, and the packets that prove it does.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::layout::Need;
use super::{Scene, paint};
use crate::snapshot::FaultView;
use crate::tui::figures::{clock, count, fit};
use crate::tui::message::Target;
use crate::tui::state::Focus;
use crate::tui::theme::Role;

/// Widths of a countdown bar, of the symbol before a label, of the time left.
const BAR: usize = 10;
const SYMBOL: usize = 3;
const TIME: usize = 7;
/// A label longer than this is cut before anything else is left out for it.
const LABEL: usize = 40;

/// A heading, and a line for each; two of them before most else.
pub fn need(scene: &Scene) -> Need {
    Need::list(3, scene.snapshot().faults.len(), 2, scene.roomy)
}

/// Draws the faults, active ones first.
pub fn draw(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let faults = scene.state.faults();
    let here = scene.state.focus == Focus::Faults;
    let widths = Widths::choose(usize::from(area.width), &faults);
    let room = usize::from(area.height.saturating_sub(1));
    let note = match faults.len().saturating_sub(room) {
        0 if widths.proof > 0 => {
            Span::styled("touched of matched of seen", scene.style(Role::Quiet))
        }
        0 => Span::raw(""),
        hidden => Span::styled(format!("+{hidden}"), scene.style(Role::Warning)),
    };
    let title = paint::title(scene, "Faults", here);
    paint::heading(scene, buffer, area, title, note);
    let selected = scene.state.fault.min(faults.len().saturating_sub(1));
    let top = match here && selected >= room {
        true => (selected + 1).saturating_sub(room),
        false => 0,
    };
    for (row, (index, fault)) in faults.into_iter().enumerate().skip(top).enumerate() {
        let line = line(scene, fault, &widths, here && index == selected);
        let place = paint::row(area, 1 + row);
        if place.height > 0 {
            paint::left(buffer, place, &line);
            scene.point(place, Target::Fault(index));
        }
    }
}

/// How wide the parts of a line are; 0 where a part is left out.
struct Widths {
    label: usize,
    bar: usize,
    proof: usize,
}

impl Widths {
    /// Where it is narrow the bar goes first, then the proof.
    fn choose(width: usize, faults: &[&FaultView]) -> Self {
        let widest = |of: &dyn Fn(&FaultView) -> usize| faults.iter().map(|fault| of(fault)).max();
        let label = widest(&|fault| fault.label.chars().count()).unwrap_or(0);
        let proof = 1 + widest(&|fault| proof(fault).chars().count()).unwrap_or(0);
        let room = width.saturating_sub(SYMBOL + TIME);
        let needed = label.min(LABEL);
        let proof = if needed + proof <= room { proof } else { 0 };
        let bar = if needed + proof + BAR < room {
            BAR + 1
        } else {
            0
        };
        Self {
            label: room - proof - bar,
            bar,
            proof,
        }
    }
}

fn line(scene: &Scene, fault: &FaultView, widths: &Widths, selected: bool) -> Line<'static> {
    let room = widths.label;
    let (symbol, role) = match fault.left_ms {
        Some(_) => ("◆", Role::Fault),
        None => ("◇", Role::Quiet),
    };
    let label = format!("{symbol} {:<room$}", fit(&fault.label, room));
    let mark = if selected { "▸" } else { " " };
    let mut spans = vec![
        Span::styled(mark, scene.style(Role::Here)),
        Span::styled(label, scene.style(role)),
    ];
    if widths.bar > 0 {
        spans.extend(countdown(scene, fault));
    }
    let left = fault.left_ms.map_or_else(|| "over".to_owned(), clock);
    spans.push(Span::styled(format!(" {left:>6}"), scene.style(role)));
    if widths.proof > 0 {
        let text = format!(" {}", proof(fault));
        spans.push(Span::styled(text, scene.style(proof_role(fault))));
    }
    Line::from(spans)
}

fn countdown(scene: &Scene, fault: &FaultView) -> Vec<Span<'static>> {
    let left = fault.left_ms.unwrap_or(0) as f64 / fault.duration_ms.max(1) as f64;
    let (left, gone) = paint::bar(left, BAR as u16);
    vec![
        Span::styled(format!(" {left}"), scene.style(Role::Fault)),
        Span::styled(gone, scene.style(Role::Quiet)),
    ]
}

/// What shows that it works, or that it doesn't.
fn proof(fault: &FaultView) -> String {
    let proof = format!(
        "{:>6} of {:>6} of {:<6}",
        count(fault.faulted),
        count(fault.matched),
        count(fault.seen)
    );
    match fault.overflow {
        0 => proof,
        overflow => format!("{proof} !{} no room", count(overflow)),
    }
}

fn proof_role(fault: &FaultView) -> Role {
    let nothing = fault.faulted == 0 && fault.left_ms.is_none();
    if nothing || fault.overflow > 0 {
        Role::Bad
    } else {
        Role::Text
    }
}
