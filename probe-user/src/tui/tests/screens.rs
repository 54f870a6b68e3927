//! Every state of the screen, at the size of a terminal over SSH and at that of a big screen.

use insta::assert_snapshot;

use super::samples;
use super::{render, showing, text};
use crate::snapshot::Snapshot;
use crate::tui::message::{Action, Message};
use crate::tui::state::State;
use crate::tui::update::update;

/// The screen at both sizes. Also holds that symbols alone tell what colours tell: without
/// colour not a character is different.
fn screens(state: &State) -> String {
    let sizes = [(80, 24), (160, 50)];
    let screens = sizes.map(|(width, height)| {
        let colored = text(&render(state, true, width, height));
        assert_eq!(colored, text(&render(state, false, width, height)));
        format!("{width}×{height}\n{colored}")
    });
    screens.join("\n")
}

fn after(snapshot: Snapshot, actions: &[Action]) -> State {
    let mut state = showing(snapshot);
    for &action in actions {
        update(&mut state, Message::Action(action));
    }
    state
}

#[test]
fn before_the_first_snapshot() {
    assert_snapshot!(screens(&State::default()));
}

#[test]
fn empty() {
    assert_snapshot!(screens(&showing(Snapshot {
        title: "watch".into(),
        elapsed_ms: 2_000,
        ..Snapshot::default()
    })));
}

#[test]
fn busy() {
    assert_snapshot!(screens(&showing(samples::busy())));
}

#[test]
fn busy_and_sorted_with_the_last_line_selected() {
    let actions = [Action::NextSort, Action::Last];
    assert_snapshot!(screens(&after(samples::busy(), &actions)));
}

#[test]
fn patterned() {
    assert_snapshot!(screens(&showing(samples::patterned())));
}

#[test]
fn faulted() {
    assert_snapshot!(screens(&showing(samples::faulted())));
}

#[test]
fn faulted_and_stopped_by_hand() {
    let state = after(samples::faulted(), &[Action::StopFaults]);
    assert_snapshot!(screens(&state));
}

#[test]
fn stopped_and_every_fault_ended() {
    let mut state = after(samples::faulted(), &[Action::StopFaults]);
    let mut ended = samples::faulted();
    ended
        .faults
        .iter_mut()
        .for_each(|fault| fault.left_ms = None);
    update(&mut state, Message::Snapshot(ended.into()));
    assert_snapshot!(screens(&state));
}

#[test]
fn lost_events() {
    assert_snapshot!(screens(&showing(samples::lost_events())));
}

#[test]
fn aborted() {
    assert_snapshot!(screens(&showing(samples::aborted())));
}

#[test]
fn passed() {
    assert_snapshot!(screens(&showing(samples::passed())));
}

#[test]
fn failed() {
    assert_snapshot!(screens(&showing(samples::failed())));
}

#[test]
fn help() {
    assert_snapshot!(screens(&after(samples::faulted(), &[Action::Help])));
}

#[test]
fn paused_and_scrolled_back() {
    let actions = [Action::Pause, Action::SwitchFocus, Action::Up, Action::Up];
    assert_snapshot!(screens(&after(samples::faulted(), &actions)));
}
