//! No size of terminal breaks the screen, and the narrowest ones still show what matters most.

use super::samples;
use super::{render, showing, text, wanted};
use crate::tui::message::Action;
use crate::tui::update::update;

#[test]
fn no_size_breaks_it() {
    let mut injectable = samples::busy();
    injectable.can_inject = true;
    let all = [
        samples::lost_events(),
        samples::failed(),
        samples::patterned(),
        injectable,
    ];
    for snapshot in all {
        let mut state = showing(snapshot);
        let actions = [
            Action::StopFaults,
            Action::Help,
            Action::Details,
            Action::Inject,
        ];
        for action in actions {
            for width in (1..20).chain([40, 79, 119, 120, 121, 300]) {
                for height in (1..14).chain([24, 36, 100]) {
                    render(&state, true, width, height);
                }
            }
            update(&mut state, wanted(action));
        }
    }
}

#[test]
fn forty_by_ten_shows_the_dependency_that_fails_and_the_fault() {
    insta::assert_snapshot!(text(&render(&showing(samples::faulted()), true, 40, 10)));
}

#[test]
fn a_hundred_dependencies_are_drawn_well_within_a_frame() {
    let mut snapshot = samples::busy();
    let row = snapshot.dependencies[0].clone();
    snapshot.dependencies.resize(100, row);
    let state = showing(snapshot);
    let began = std::time::Instant::now();
    (0..10).for_each(|_| drop(render(&state, true, 160, 50)));
    // Unoptimised, on whatever machine: the bound is wide, what it guards against is not.
    assert!(began.elapsed().as_millis() < 2_000, "{:?}", began.elapsed());
}
