//! The picture: which region goes where. Each region draws itself, one a file.
//!
//! A region says how many rows it needs and how much it matters; `layout` settles who gets what.

use std::cell::RefCell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::message::Target;
use super::state::State;
use super::theme::{Role, Theme};
use crate::snapshot::Snapshot;
use layout::Need;

mod banner;
mod columns;
mod dependencies;
mod details;
mod expectations;
mod facts;
mod faults;
mod footer;
mod form;
mod header;
mod help;
mod histogram;
mod layout;
mod notices;
mod paint;
mod patterns;
mod phases;
mod services;
mod table;
mod timeline;
mod trend;

/// From this width on, faults and expectations stand beside the timeline.
const WIDE: u16 = 120;

/// From this height on, regions are set apart by an empty row.
const ROOMY: u16 = 36;

/// So many dependencies at most are worth more than a row each.
const FEW: usize = 6;

/// What regions draw from.
pub struct Scene<'a> {
    /// What the dashboard remembers, the picture included.
    pub state: &'a State,
    /// How things look.
    pub theme: Theme,
    /// Whether there is room for air.
    pub roomy: bool,
    /// Whether lines of the tables may be more than one row high.
    pub tall: bool,
    /// Where there is something to click on.
    targets: RefCell<Vec<(Rect, Target)>>,
}

impl<'a> Scene<'a> {
    /// The picture.
    pub fn snapshot(&self) -> &'a Snapshot {
        &self.state.shown
    }

    /// Notes what is to be clicked on in an area.
    pub fn point(&self, area: Rect, target: Target) {
        self.targets.borrow_mut().push((area, target));
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> ratatui::style::Style {
        self.theme.style(role)
    }
}

/// One region: what it needs, and how it is drawn.
struct Region {
    need: fn(&Scene) -> Need,
    draw: fn(&Scene, Rect, &mut Buffer),
}

macro_rules! regions {
    ($($name:ident),*) => { &[$(Region { need: $name::need, draw: $name::draw }),*] };
}

const NARROW_STACK: &[Region] = regions![
    header,
    banner,
    phases,
    notices,
    dependencies,
    services,
    faults,
    patterns,
    expectations,
    timeline,
    footer
];
const WIDE_TOP: &[Region] = regions![header, banner, phases, notices, dependencies, services];
const WIDE_LEFT: &[Region] = regions![faults, patterns, expectations];
const WIDE_RIGHT: &[Region] = regions![timeline];
const WIDE_BOTTOM: &[Region] = regions![footer];

/// One dependency in the place of the overview.
const DETAILS_STACK: &[Region] = regions![header, banner, phases, notices, details, faults, footer];

/// Draws the whole picture; gives where there is something to click on.
pub fn draw(state: &State, theme: Theme, area: Rect, buffer: &mut Buffer) -> Vec<(Rect, Target)> {
    let roomy = area.height >= ROOMY;
    let scene = Scene {
        state,
        theme,
        roomy,
        tall: roomy && state.rows().len() <= FEW,
        targets: RefCell::default(),
    };
    if state.details && state.selected_dependency().is_some() {
        stack(&scene, DETAILS_STACK, area, buffer);
    } else if area.width >= WIDE {
        draw_wide(&scene, area, buffer);
    } else {
        stack(&scene, NARROW_STACK, area, buffer);
    }
    if let Some(form) = &state.form {
        form::draw(&scene, form, area, buffer);
    }
    if state.overlay.is_some() {
        help::draw(&scene, area, buffer);
    }
    scene.targets.into_inner()
}

fn draw_wide(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let side_by_side = side_by_side(scene);
    let mut needs: Vec<Need> = WIDE_TOP.iter().map(|region| (region.need)(scene)).collect();
    needs.push(side_by_side);
    needs.push((WIDE_BOTTOM[0].need)(scene));
    let areas = layout::stack(area, &needs);
    for (region, area) in WIDE_TOP.iter().zip(&areas) {
        (region.draw)(scene, *area, buffer);
    }
    let [.., middle, bottom] = areas[..] else {
        return;
    };
    let (left, right) = layout::halves(middle);
    stack(scene, WIDE_LEFT, left, buffer);
    stack(scene, WIDE_RIGHT, right, buffer);
    stack(scene, WIDE_BOTTOM, bottom, buffer);
}

/// What faults and expectations need above each other, and the timeline beside them.
fn side_by_side(scene: &Scene) -> Need {
    let of = |regions: &[Region]| {
        regions
            .iter()
            .map(|region| (region.need)(scene))
            .reduce(Need::above)
    };
    match (of(WIDE_LEFT), of(WIDE_RIGHT)) {
        (Some(left), Some(right)) => left.beside(right),
        (left, right) => left.or(right).unwrap_or(Need::NOTHING),
    }
}

fn stack(scene: &Scene, regions: &[Region], area: Rect, buffer: &mut Buffer) {
    let needs: Vec<Need> = regions.iter().map(|region| (region.need)(scene)).collect();
    for (region, area) in regions.iter().zip(layout::stack(area, &needs)) {
        if !area.is_empty() {
            (region.draw)(scene, area, buffer);
        }
    }
}
