//! What messages do to the state, and what they have the engine told.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;

use super::{samples, showing, wanted};
use crate::snapshot::{FaultView, Snapshot, TimelineEntry, TimelineKind, TrialStage, TrialView};
use crate::tui::Command;
use crate::tui::message::{Action, Edit, Key, Message, Target};
use crate::tui::state::{DependencyKey, Focus, Leaving, Overlay, State};
use crate::tui::update::update;

fn act(state: &mut State, action: Action) -> Vec<Command> {
    update(state, wanted(action))
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

fn press(state: &mut State, edit: Edit, action: Option<Action>) -> Vec<Command> {
    let edit = Some(edit);
    update(state, Message::Key(Key { action, edit }))
}

fn type_in(state: &mut State, text: &str) {
    for typed in text.chars() {
        // As letters are: most of them are a key for something as well.
        press(state, Edit::Type(typed), Some(Action::Pause));
    }
}

/// A watch from which faults can be started, the last of its dependencies selected.
fn watching() -> State {
    let mut snapshot = samples::busy();
    snapshot.can_inject = true;
    let mut state = showing(snapshot);
    act(&mut state, Action::Last);
    state
}

fn answered(state: &mut State, number: u32, stage: TrialStage) {
    let mut snapshot = (*state.latest).clone();
    snapshot.trial = Some(TrialView {
        number,
        stage,
        ..TrialView::default()
    });
    see(state, snapshot);
}

fn held_by_hand(handle: Option<u32>) -> FaultView {
    FaultView {
        left_ms: Some(5_000),
        handle,
        ..FaultView::default()
    }
}

fn drawn(state: &mut State, targets: &[Target]) {
    let targets = targets.iter().map(|it| (Rect::default(), it.clone()));
    update(state, Message::Drawn(targets.collect()));
}

fn pass(state: &mut State, ms: u64) {
    let mut snapshot = (*state.latest).clone();
    snapshot.elapsed_ms += ms;
    see(state, snapshot);
}

#[test]
fn an_answer_that_was_drawn_in_part_arms_nothing() {
    let mut state = watching();
    act(&mut state, Action::Inject);
    press(&mut state, Edit::Done, None);
    answered(&mut state, 1, TrialStage::Possible);
    drawn(&mut state, &[Target::Answer(1)]);
    drawn(&mut state, &[]);
    pass(&mut state, 1_000);
    assert_eq!(press(&mut state, Edit::Done, None), []);
}

#[test]
fn what_the_engine_does_not_take_is_told() {
    let mut state = watching();
    act(&mut state, Action::Inject);
    press(&mut state, Edit::Done, None);
    update(&mut state, Message::Unheard);
    assert_eq!(state.form.as_ref().unwrap().asked, None);
    assert!(state.said.as_ref().unwrap().contains("nothing was done"));
}

#[test]
fn a_fault_is_armed_only_after_what_it_touches_was_seen() {
    let mut state = watching();
    act(&mut state, Action::Inject);
    let asked = press(&mut state, Edit::Done, Some(Action::Details));
    let [Command::Try { number, words }] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(words[0], "delay");
    // Impatience arms nothing: not before the answer, nor after another's, nor a refusal.
    assert_eq!(press(&mut state, Edit::Done, None), []);
    answered(&mut state, number + 1, TrialStage::Possible);
    assert_eq!(press(&mut state, Edit::Done, None), []);
    answered(&mut state, *number, TrialStage::Refused);
    assert_eq!(press(&mut state, Edit::Done, None), []);
    answered(&mut state, *number, TrialStage::Possible);
    // Nor before the answer was drawn, nor right after: a key that is held down comes again.
    assert_eq!(press(&mut state, Edit::Done, None), []);
    drawn(&mut state, &[Target::Answer(*number)]);
    for _ in 0..20 {
        pass(&mut state, 200);
        assert_eq!(press(&mut state, Edit::Done, None), []);
    }
    pass(&mut state, 800);
    let armed = press(&mut state, Edit::Done, None);
    assert_eq!(
        armed,
        [Command::Inject {
            words: words.clone()
        }]
    );
    assert!(state.form.is_none());
}

#[test]
fn what_is_changed_is_looked_at_anew() {
    let mut state = watching();
    act(&mut state, Action::Inject);
    press(&mut state, Edit::Done, None);
    answered(&mut state, 1, TrialStage::Possible);
    press(&mut state, Edit::Next, None);
    press(&mut state, Edit::Type('9'), None);
    let asked = press(&mut state, Edit::Done, None);
    assert!(matches!(&asked[..], [Command::Try { number: 2, .. }]));
    assert_eq!(press(&mut state, Edit::Done, None), []);
}

#[test]
fn a_form_is_left_step_by_step() {
    let mut state = watching();
    act(&mut state, Action::Inject);
    press(&mut state, Edit::Done, None);
    press(&mut state, Edit::Cancel, Some(Action::Dismiss));
    assert!(state.form.as_ref().is_some_and(|it| it.asked.is_none()));
    press(&mut state, Edit::Cancel, Some(Action::Dismiss));
    assert!(state.form.is_none());
}

#[test]
fn the_emergency_stop_is_heard_while_something_is_written() {
    let mut state = watching();
    act(&mut state, Action::Inject);
    type_in(&mut state, "x");
    assert!(state.form.is_some() && !state.paused);
    let stopped = press(&mut state, Edit::Type('!'), Some(Action::StopFaults));
    assert_eq!(stopped, [Command::Panic]);
    assert!(state.form.is_none());
}

#[test]
fn faults_are_started_in_a_watch_alone() {
    let mut state = showing(samples::faulted());
    act(&mut state, Action::Inject);
    assert!(state.form.is_none() && state.said.is_some());
    // It is said until the next key.
    act(&mut state, Action::Down);
    assert_eq!(state.said, None);
}

#[test]
fn one_fault_is_ended_where_it_was_started_here() {
    let mut state = watching();
    let mut snapshot = samples::busy();
    snapshot.faults = vec![held_by_hand(None), held_by_hand(Some(41))];
    see(&mut state, snapshot);
    act(&mut state, Action::SwitchFocus);
    // Those that can be ended come first.
    let ended = act(&mut state, Action::EndFault);
    assert_eq!(ended, [Command::EndFault { handle: 41 }]);
    act(&mut state, Action::Down);
    assert_eq!(act(&mut state, Action::EndFault), []);
    assert!(state.said.is_some());
}

#[test]
fn leaving_a_watch_ends_its_own_faults_and_nobody_elses() {
    let mut state = watching();
    let mut snapshot = samples::busy();
    snapshot.faults = vec![held_by_hand(None), held_by_hand(Some(41))];
    see(&mut state, snapshot.clone());
    let commands = act(&mut state, Action::Quit);
    assert_eq!(commands, [Command::EndFault { handle: 41 }, Command::Quit]);
    assert_eq!(state.leaving, Leaving::OnceFaultsEnd);
    snapshot.faults.pop();
    see(&mut state, snapshot);
    assert_eq!(state.leaving, Leaving::Now);
}

#[test]
fn a_filter_is_written_kept_and_taken_away() {
    let mut state = watching();
    act(&mut state, Action::Filter);
    type_in(&mut state, "PAYq");
    press(&mut state, Edit::Erase, None);
    assert_eq!(state.rows().len(), 1);
    press(&mut state, Edit::Done, Some(Action::Details));
    assert!(!state.typing && !state.details);
    assert_eq!(state.rows().len(), 1);
    act(&mut state, Action::Dismiss);
    assert_eq!(state.rows().len(), 17);
}

#[test]
fn a_click_selects_and_a_second_one_opens() {
    let mut state = watching();
    let key = DependencyKey::of(&state.shown.dependencies[3]);
    let row = Rect::new(0, 5, 80, 1);
    let targets = vec![(row, Target::Dependency(key.clone()))];
    update(&mut state, Message::Drawn(targets));
    update(&mut state, Message::Clicked(7, 6));
    assert_ne!(state.selected.as_ref(), Some(&key));
    update(&mut state, Message::Clicked(7, 5));
    assert_eq!(state.selected.as_ref(), Some(&key));
    assert!(!state.details);
    update(&mut state, Message::Clicked(7, 5));
    assert!(state.details);
    act(&mut state, Action::Dismiss);
    assert!(!state.details);
}

#[test]
fn the_wheel_moves_what_it_is_over() {
    let mut state = showing(samples::faulted());
    let at = Rect::new(0, 0, 10, 10);
    update(&mut state, Message::Drawn(vec![(at, Target::Timeline)]));
    update(&mut state, Message::Scrolled(1, 1, -1));
    assert_eq!(state.scrolled_back, 1);
    assert_eq!(state.focus, Focus::Dependencies);
}

#[test]
fn details_go_with_their_dependency() {
    let mut state = watching();
    act(&mut state, Action::Details);
    assert!(state.details);
    act(&mut state, Action::Previous);
    let before = state.selected.clone();
    assert!(before.is_some() && state.details);
    act(&mut state, Action::Down);
    assert_eq!(state.selected, before);
}
