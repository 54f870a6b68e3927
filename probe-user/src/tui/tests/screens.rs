//! Every state of the screen, at the size of a terminal over SSH and at that of a big screen.

use insta::assert_snapshot;

use ratatui::layout::Rect;

use super::samples;
use super::{render, showing, text, wanted};
use crate::snapshot::{Snapshot, Status, TrialStage, TrialView};
use crate::tui::message::{Action, Edit, Key, Message, Target};
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
        update(&mut state, wanted(action));
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
    let mut actions = vec![Action::Pause, Action::SwitchFocus, Action::SwitchFocus];
    actions.extend([Action::Up, Action::Up]);
    assert_snapshot!(screens(&after(samples::faulted(), &actions)));
}

#[test]
fn details_of_one_dependency() {
    let actions = [Action::Last, Action::Details];
    assert_snapshot!(screens(&after(samples::patterned(), &actions)));
}

#[test]
fn details_of_one_in_a_busy_watch() {
    let actions = [Action::Details];
    assert_snapshot!(screens(&after(samples::busy(), &actions)));
}

#[test]
fn details_while_events_are_lost() {
    let actions = [Action::Last, Action::Details];
    assert_snapshot!(screens(&after(samples::lost_events(), &actions)));
}

#[test]
fn details_after_an_abort() {
    let actions = [Action::Last, Action::Details];
    assert_snapshot!(screens(&after(samples::aborted(), &actions)));
}

#[test]
fn filtered() {
    let mut state = after(samples::busy(), &[Action::Filter]);
    for typed in "10.0.1".chars() {
        write(&mut state, Edit::Type(typed));
    }
    assert_snapshot!(screens(&state));
}

#[test]
fn filtered_so_that_none_is_left() {
    let mut state = after(samples::busy(), &[Action::Filter]);
    write(&mut state, Edit::Type('#'));
    write(&mut state, Edit::Done);
    assert_snapshot!(screens(&state));
}

#[test]
fn thinking_of_a_fault() {
    assert_snapshot!(screens(&thinking(None)));
}

#[test]
fn a_fault_that_may_be_armed() {
    assert_snapshot!(screens(&thinking(Some((
        TrialStage::Possible,
        &[
            "would be armed: delay 200ms on 10.0.0.7:80 (egress) of process 4711 in netns pid:4711 \
             via eth0, for 30s, seed 77, delay backend fq",
            "would touch: 12 connections of 1 process: shop 4711 (12)",
            "never faulted: ssh (22), the session probe was started in; neighbour discovery; DHCP",
        ]
    )))));
}

#[test]
fn a_fault_that_is_refused() {
    assert_snapshot!(screens(&thinking(Some((
        TrialStage::Refused,
        &[
            "inject: delay: 200 has no unit",
            "hint: write 200ms or 200s"
        ]
    )))));
}

#[test]
fn expectations_that_turned() {
    let mut state = showing(samples::faulted());
    let mut later = samples::faulted();
    later.elapsed_ms += 1_000;
    let day = later.game_day.as_mut().unwrap();
    day.expectations[0].status = Status::NotMet;
    update(&mut state, Message::Snapshot(later.clone().into()));
    later.elapsed_ms += 20_000;
    let day = later.game_day.as_mut().unwrap();
    day.expectations[1].status = Status::Met;
    update(&mut state, Message::Snapshot(later.into()));
    assert_snapshot!(screens(&state));
}

/// A form over a watch, once it was asked what the fault would touch, where it was.
fn thinking(answer: Option<(TrialStage, &[&str])>) -> State {
    let mut snapshot = samples::busy();
    snapshot.can_inject = true;
    let mut state = after(snapshot.clone(), &[Action::Last, Action::Inject]);
    let Some((stage, lines)) = answer else {
        return state;
    };
    write(&mut state, Edit::Done);
    snapshot.trial = Some(TrialView {
        number: 1,
        command: String::new(),
        lines: lines.iter().map(|it| (*it).to_owned()).collect(),
        stage,
    });
    update(&mut state, Message::Snapshot(snapshot.clone().into()));
    // It was there for long enough to be read.
    update(
        &mut state,
        Message::Drawn(vec![(Rect::default(), Target::Answer(1))]),
    );
    snapshot.elapsed_ms += 1_000;
    update(&mut state, Message::Snapshot(snapshot.into()));
    state
}

fn write(state: &mut State, edit: Edit) {
    let key = Key {
        action: None,
        edit: Some(edit),
    };
    update(state, Message::Key(key));
}
