//! What messages do to the state, and what they have the engine told.

use std::sync::Arc;
use std::time::Duration;

use super::{samples, showing};
use crate::snapshot::{Snapshot, TimelineEntry, TimelineKind};
use crate::tui::Command;
use crate::tui::message::{Action, Message};
use crate::tui::state::{Focus, Leaving, Overlay, State};
use crate::tui::update::update;

fn act(state: &mut State, action: Action) -> Vec<Command> {
    update(state, Message::Action(action))
}

fn see(state: &mut State, snapshot: Snapshot) {
    update(state, Message::Snapshot(Arc::new(snapshot)));
}

fn selected(state: &State) -> Option<usize> {
    state.selected_row(&state.sort.order(&state.shown))
}

fn without_faults() -> Snapshot {
    let mut snapshot = samples::faulted();
    snapshot.faults.clear();
    snapshot
}

#[test]
fn the_emergency_stop_asks_nothing_first() {
    let mut state = showing(samples::faulted());
    assert_eq!(act(&mut state, Action::StopFaults), [Command::Panic]);
    assert_eq!(state.stop.unwrap().faults, 2);
    // Again, for whoever doesn't believe it.
    assert_eq!(act(&mut state, Action::StopFaults), [Command::Panic]);
}

#[test]
fn the_emergency_stop_brings_the_picture_back_to_now() {
    let mut state = showing(without_faults());
    act(&mut state, Action::Pause);
    act(&mut state, Action::Help);
    see(&mut state, samples::faulted());
    act(&mut state, Action::StopFaults);
    assert!(!state.paused && state.overlay.is_none());
    assert_eq!(state.shown.faults.len(), 2);
}

#[test]
fn a_stop_that_went_unheard_stays_said() {
    let mut state = showing(samples::faulted());
    act(&mut state, Action::StopFaults);
    update(&mut state, Message::Unheard);
    act(&mut state, Action::Dismiss);
    assert!(state.stop.unwrap().unheard);
}

#[test]
fn the_stop_is_dismissed_only_once_faults_have_ended() {
    let mut state = showing(samples::faulted());
    act(&mut state, Action::StopFaults);
    act(&mut state, Action::Dismiss);
    assert!(state.stop.is_some());
    see(&mut state, without_faults());
    act(&mut state, Action::Dismiss);
    assert!(state.stop.is_none());
}

#[test]
fn quitting_without_faults_is_at_once() {
    let mut state = showing(without_faults());
    assert_eq!(act(&mut state, Action::Quit), [Command::Quit]);
    assert_eq!(state.leaving, Leaving::Now);
}

#[test]
fn quitting_under_faults_ends_them_first() {
    let mut state = showing(samples::faulted());
    let commands = act(&mut state, Action::Quit);
    assert_eq!(commands, [Command::Panic, Command::Quit]);
    assert_eq!(state.leaving, Leaving::OnceFaultsEnd);
    see(&mut state, samples::faulted());
    assert_eq!(state.leaving, Leaving::OnceFaultsEnd);
    see(&mut state, without_faults());
    assert_eq!(state.leaving, Leaving::Now);
}

#[test]
fn quitting_twice_waits_for_nothing() {
    let mut state = showing(samples::faulted());
    act(&mut state, Action::Quit);
    assert_eq!(act(&mut state, Action::Quit), []);
    assert_eq!(state.leaving, Leaving::Now);
}

#[test]
fn quitting_counts_the_faults_of_now_not_those_of_a_paused_picture() {
    let mut state = showing(without_faults());
    act(&mut state, Action::Pause);
    see(&mut state, samples::faulted());
    assert_eq!(act(&mut state, Action::Quit)[0], Command::Panic);
}

#[test]
fn a_paused_picture_stands_still() {
    let mut state = showing(without_faults());
    act(&mut state, Action::Pause);
    see(&mut state, samples::faulted());
    assert!(state.shown.faults.is_empty());
    act(&mut state, Action::Pause);
    assert_eq!(state.shown.faults.len(), 2);
}

#[test]
fn the_selected_dependency_stays_selected_wherever_it_moves() {
    let mut state = showing(samples::busy());
    act(&mut state, Action::Down);
    act(&mut state, Action::Down);
    assert_eq!(selected(&state), Some(1));
    act(&mut state, Action::NextSort);
    let moved = selected(&state).unwrap();
    assert_ne!(moved, 1);
    assert_eq!(state.sort.order(&state.shown)[moved].name, "10.0.2.7:5432");
}

#[test]
fn selecting_ends_at_both_ends() {
    let mut state = showing(samples::faulted());
    act(&mut state, Action::Last);
    act(&mut state, Action::PageDown);
    assert_eq!(selected(&state), Some(2));
    act(&mut state, Action::First);
    act(&mut state, Action::Up);
    assert_eq!(selected(&state), Some(0));
}

#[test]
fn there_is_nothing_to_select_in_an_empty_picture() {
    let mut state = State::default();
    for action in [Action::Down, Action::Last, Action::SwitchFocus, Action::Up] {
        act(&mut state, action);
    }
    assert_eq!(state.selected, None);
    assert_eq!(state.scrolled_back, 0);
}

#[test]
fn what_is_read_in_the_timeline_stays_while_newer_entries_come() {
    let mut state = showing(samples::faulted());
    act(&mut state, Action::SwitchFocus);
    assert_eq!(state.focus, Focus::Faults);
    act(&mut state, Action::SwitchFocus);
    assert_eq!(state.focus, Focus::Timeline);
    act(&mut state, Action::Up);
    let mut newer = samples::faulted();
    newer.timeline.push(TimelineEntry {
        at_ms: 34_000,
        kind: TimelineKind::Note,
        text: "new".into(),
    });
    see(&mut state, newer);
    assert_eq!(state.scrolled_back, 2);
    act(&mut state, Action::Last);
    assert_eq!(state.scrolled_back, 0);
    act(&mut state, Action::First);
    assert_eq!(state.scrolled_back, 8);
}

#[test]
fn silence_ends_with_the_next_picture() {
    let mut state = State::default();
    update(&mut state, Message::Silence(Duration::from_secs(5)));
    assert_eq!(state.silence, Duration::from_secs(5));
    see(&mut state, samples::faulted());
    assert_eq!(state.silence, Duration::ZERO);
}

#[test]
fn help_opens_and_closes() {
    let mut state = State::default();
    act(&mut state, Action::Help);
    assert_eq!(state.overlay, Some(Overlay::Help));
    act(&mut state, Action::Dismiss);
    assert_eq!(state.overlay, None);
}

#[test]
fn a_stop_ages_whether_pictures_come_or_not() {
    let mut state = showing(samples::faulted());
    update(&mut state, Message::Silence(Duration::from_secs(7)));
    act(&mut state, Action::StopFaults);
    let stop = state.stop.unwrap();
    update(&mut state, Message::Silence(Duration::from_secs(9)));
    assert_eq!(state.since(stop), Duration::from_secs(2));
    let mut later = samples::faulted();
    later.elapsed_ms += 2_500;
    see(&mut state, later);
    assert_eq!(state.since(stop), Duration::from_millis(2_500));
}
