//! What a message does to the state, and what the engine is to be told. No I/O, no clock.

use std::sync::Arc;

use super::Command;
use super::form::Form;
use super::message::{Action, Edit, Key, Message, Target};
use super::replay;
use super::state::{
    DependencyKey, Focus, Leaving, Overlay, State, Stop, Turned, active_faults, own_faults,
};
use crate::snapshot::{ExpectationView, Snapshot, TrialStage};

/// Lines that a page moves.
const PAGE: isize = 10;

/// Takes in one message; tells what the engine is to do, in order.
pub fn update(state: &mut State, message: Message) -> Vec<Command> {
    match message {
        Message::Snapshot(snapshot) => take_in(state, snapshot),
        Message::Key(key) => return press(state, key),
        Message::Drawn(targets) => {
            state.targets = targets;
            note_seen(state);
        }
        Message::Clicked(x, y) => return click(state, x, y),
        Message::Scrolled(x, y, by) => scroll(state, (x, y), by),
        Message::Resized => {}
        Message::Silence(silence) => state.silence = silence,
        Message::Unheard => {
            if let Some(stop) = &mut state.stop {
                stop.unheard = true;
            }
            if let Some(form) = &mut state.form {
                (form.asked, form.seen_ms) = (None, None);
            }
            state.said = Some("the engine does not answer: nothing was done".to_owned());
        }
    }
    Vec::new()
}

fn take_in(state: &mut State, snapshot: Arc<Snapshot>) {
    if state.scrolled_back > 0 && !state.paused {
        // What is being read stays where it is while newer entries come in below it.
        let new = snapshot
            .timeline
            .len()
            .saturating_sub(state.shown.timeline.len());
        state.scrolled_back += new;
    }
    note_turns(state, &snapshot);
    state.begun = true;
    state.silence = std::time::Duration::ZERO;
    state.latest = snapshot;
    if !state.paused {
        state.shown = Arc::clone(&state.latest);
    }
    if state.leaving == Leaving::OnceFaultsEnd && own_faults(&state.latest) == 0 {
        state.leaving = Leaving::Now;
    }
}

/// Takes note of expectations that stand otherwise than in the picture before.
fn note_turns(state: &mut State, new: &Snapshot) {
    let of = |snapshot: &Snapshot| -> Vec<ExpectationView> {
        let day = snapshot.game_day.as_ref();
        day.map_or_else(Vec::new, |day| day.expectations.clone())
    };
    let before = of(&state.latest);
    for now in of(new) {
        let same = |it: &&ExpectationView| it.name == now.name && it.expected == now.expected;
        if before
            .iter()
            .find(same)
            .is_none_or(|it| it.status == now.status)
        {
            continue;
        }
        let expectation = (now.name, now.expected);
        state.turned.retain(|it| it.expectation != expectation);
        state.turned.push(Turned {
            expectation,
            at_ms: new.elapsed_ms,
        });
    }
}

/// A key writes where something is being written; the emergency stop and leaving go before that,
/// by keys that write nothing, and by "!", which nothing that is written here needs.
fn press(state: &mut State, key: Key) -> Vec<Command> {
    state.said = None;
    let is_stop = key.action == Some(Action::StopFaults) && key.edit == Some(Edit::Type('!'));
    if let Some(edit) = key.edit.filter(|_| !is_stop && state.overlay.is_none()) {
        if state.form.is_some() {
            return fill_in(state, edit);
        }
        if state.typing {
            write_filter(state, edit);
            return Vec::new();
        }
    }
    key.action
        .map_or_else(Vec::new, |action| act(state, action))
}

fn act(state: &mut State, action: Action) -> Vec<Command> {
    if let Some(commands) = replay::act(state, action) {
        return commands;
    }
    match action {
        Action::StopFaults => return stop_faults(state),
        Action::Quit => return quit(state),
        Action::EndFault => return end_fault(state),
        Action::Up => go(state, -1),
        Action::Down => go(state, 1),
        Action::PageUp => go(state, -PAGE),
        Action::PageDown => go(state, PAGE),
        Action::First => go(state, isize::MIN),
        Action::Last => go(state, isize::MAX),
        Action::Previous => select(state, -1),
        Action::Next => select(state, 1),
        Action::SwitchFocus => switch_focus(state),
        Action::NextSort => state.sort = state.sort.next(),
        Action::Pause => pause(state),
        Action::Details => open_details(state),
        Action::Filter => {
            state.typing = true;
            state.details = false;
            state.filter.get_or_insert_default();
        }
        Action::Inject => think_of_fault(state),
        Action::Help => {
            state.overlay = match state.overlay {
                Some(Overlay::Help) => None,
                None => Some(Overlay::Help),
            }
        }
        Action::Dismiss => dismiss(state),
        // Of a replay alone.
        Action::Faster | Action::Slower | Action::Step => {}
    }
    Vec::new()
}

fn click(state: &mut State, x: u16, y: u16) -> Vec<Command> {
    state.said = None;
    if state.overlay.take().is_some() {
        return Vec::new();
    }
    let Some(target) = state.target_at(x, y).cloned() else {
        return Vec::new();
    };
    match target {
        Target::Action(action) => return act(state, action),
        // Behind a form nothing is to be hit.
        _ if state.form.is_some() => {}
        Target::Dependency(key) => {
            state.focus = Focus::Dependencies;
            if state.selected.as_ref() == Some(&key) {
                open_details(state);
            }
            state.selected = Some(key);
        }
        Target::Fault(index) => {
            state.focus = Focus::Faults;
            state.fault = index;
        }
        Target::Timeline => state.focus = Focus::Timeline,
        Target::Answer(_) => {}
    }
    Vec::new()
}

fn scroll(state: &mut State, (x, y): (u16, u16), by: isize) {
    if state.form.is_some() || state.overlay.is_some() {
        return;
    }
    let focus = state.focus;
    match state.target_at(x, y) {
        Some(Target::Timeline) => state.focus = Focus::Timeline,
        Some(Target::Fault(_)) => state.focus = Focus::Faults,
        Some(Target::Dependency(_)) => state.focus = Focus::Dependencies,
        _ => {}
    }
    go(state, by);
    state.focus = focus;
}

fn write_filter(state: &mut State, edit: Edit) {
    let filter = state.filter.get_or_insert_default();
    match edit {
        Edit::Type(typed) => filter.push(typed),
        Edit::Erase => {
            filter.pop();
        }
        Edit::Clear => filter.clear(),
        Edit::Previous => select(state, -1),
        Edit::Next => select(state, 1),
        Edit::Left | Edit::Right => {}
        Edit::Cancel => {
            state.filter = None;
            state.typing = false;
        }
        Edit::Done => state.typing = false,
    }
    if state.filter.as_ref().is_some_and(String::is_empty) && !state.typing {
        state.filter = None;
    }
}

fn switch_focus(state: &mut State) {
    state.focus = match state.focus {
        Focus::Dependencies if !state.shown.faults.is_empty() => Focus::Faults,
        Focus::Dependencies | Focus::Faults => Focus::Timeline,
        Focus::Timeline => Focus::Dependencies,
    };
    // There is no timeline beside the details.
    if state.details && state.focus == Focus::Timeline {
        state.focus = Focus::Dependencies;
    }
}

fn open_details(state: &mut State) {
    if state.selected_dependency().is_none() {
        select(state, 0);
    }
    match state.selected_dependency() {
        Some(_) => {
            state.details = true;
            state.focus = Focus::Dependencies;
        }
        None => state.said = Some("there is no dependency to look at yet".to_owned()),
    }
}

fn think_of_fault(state: &mut State) {
    if !state.latest.can_inject {
        let said = "faults are not started here: that is for `probe watch`";
        state.said = Some(said.to_owned());
        return;
    }
    if state.selected_dependency().is_none() {
        select(state, 0);
    }
    let form = state.selected_dependency().map(Form::on);
    match form {
        Some(Ok(form)) => state.form = Some(form),
        Some(Err(why)) => state.said = Some(why.to_owned()),
        None => state.said = Some("there is no dependency to fault yet".to_owned()),
    }
}

/// Takes note that the answer to what a fault would touch is on the screen, all of it.
fn note_seen(state: &mut State) {
    let now_ms = state.latest.elapsed_ms;
    let Some(form) = &mut state.form else { return };
    let asked = form.asked.map(Target::Answer);
    let is_there = asked.is_some_and(|asked| state.targets.iter().any(|it| it.1 == asked));
    match is_there {
        true => form.seen_ms = form.seen_ms.or(Some(now_ms)),
        false => form.seen_ms = None,
    }
}

/// A key in the form: it edits, asks what would be touched, or, once that was seen, arms.
fn fill_in(state: &mut State, edit: Edit) -> Vec<Command> {
    let Some(form) = &mut state.form else {
        return Vec::new();
    };
    let trial = state.latest.trial.as_ref();
    let trial = trial.filter(|it| form.asked == Some(it.number));
    match edit {
        Edit::Cancel if form.asked.is_some() => (form.asked, form.seen_ms) = (None, None),
        Edit::Cancel => state.form = None,
        Edit::Done if form.asked.is_none() => {
            state.asked += 1;
            (form.asked, form.seen_ms) = (Some(state.asked), None);
            return vec![Command::Try {
                number: state.asked,
                words: form.words(),
            }];
        }
        Edit::Done => {
            let is_possible = trial.is_some_and(|it| it.stage == TrialStage::Possible);
            if is_possible && form.may_arm(state.latest.elapsed_ms) {
                let words = form.words();
                state.form = None;
                return vec![Command::Inject { words }];
            }
            // Whoever presses it so soon hasn't read the answer.
            form.seen_ms = form.seen_ms.map(|_| state.latest.elapsed_ms);
        }
        edit => {
            // What is changed has to be looked at anew.
            (form.asked, form.seen_ms) = (None, None);
            form.edit(edit);
        }
    }
    Vec::new()
}

/// Ends the fault that is marked; where none is, the only one that was started here.
fn end_fault(state: &mut State) -> Vec<Command> {
    let faults = state.faults();
    let own = || {
        faults
            .iter()
            .filter(|it| it.handle.is_some() && it.left_ms.is_some())
    };
    let fault = match state.focus {
        Focus::Faults => faults.get(state.fault.min(faults.len().saturating_sub(1))),
        _ if own().count() == 1 => own().next(),
        _ if own().count() > 1 => {
            state.said = Some("several faults were started here: Tab to the one to end".to_owned());
            return Vec::new();
        }
        _ => faults.first(),
    };
    let said = match fault {
        None => "there is no fault to end",
        Some(fault) if fault.left_ms.is_none() => "this fault is over already",
        Some(fault) => match fault.handle {
            Some(handle) => return vec![Command::EndFault { handle }],
            None => "this fault was not started here: ! ends all, or end it where it was started",
        },
    };
    state.said = Some(said.to_owned());
    Vec::new()
}

fn stop_faults(state: &mut State) -> Vec<Command> {
    state.stop = Some(Stop {
        at_ms: state.latest.elapsed_ms,
        faults: active_faults(&state.latest),
        silence: state.silence,
        unheard: false,
    });
    // An emergency is no time for a still picture, nor for the help in front of it.
    state.overlay = None;
    state.form = None;
    if state.paused {
        pause(state);
    }
    vec![Command::Panic]
}

/// Faults that end with the dashboard end first; those that others armed are theirs.
fn quit(state: &mut State) -> Vec<Command> {
    if state.leaving != Leaving::No {
        state.leaving = Leaving::Now;
        return Vec::new();
    }
    let own = own_faults(&state.latest);
    if own == 0 {
        state.leaving = Leaving::Now;
        return vec![Command::Quit];
    }
    state.leaving = Leaving::OnceFaultsEnd;
    if state.latest.game_day.is_some() {
        let mut commands = stop_faults(state);
        commands.push(Command::Quit);
        return commands;
    }
    state.said = Some(format!(
        "ending {own} of this dashboard's faults, then leaving"
    ));
    let handles = state.latest.faults.iter().filter_map(|it| it.handle);
    let end = |handle| Command::EndFault { handle };
    handles.map(end).chain([Command::Quit]).collect()
}

fn pause(state: &mut State) {
    state.paused = !state.paused;
    if !state.paused {
        state.shown = Arc::clone(&state.latest);
    }
}

/// One thing at a time, the one that lies on top first.
fn dismiss(state: &mut State) {
    if state.overlay.take().is_some() {
        return;
    }
    if state.details {
        state.details = false;
        return;
    }
    if state.filter.take().is_some() {
        state.typing = false;
        return;
    }
    if active_faults(&state.latest) == 0 {
        state.stop = None;
    }
}

fn go(state: &mut State, by: isize) {
    let moved = |at: usize, last: usize| at.saturating_add_signed(by).min(last);
    match state.focus {
        Focus::Dependencies if state.details => {
            let calls = state.selected_dependency().map_or(0, |it| it.calls.len());
            state.scrolled_calls = moved(state.scrolled_calls, calls.saturating_sub(1));
        }
        Focus::Dependencies => select(state, by),
        Focus::Faults => {
            let last = state.shown.faults.len().saturating_sub(1);
            state.fault = moved(state.fault.min(last), last);
        }
        Focus::Timeline => {
            let oldest = state.shown.timeline.len().saturating_sub(1);
            state.scrolled_back = state
                .scrolled_back
                .saturating_add_signed(by.saturating_neg())
                .min(oldest);
        }
    }
}

fn select(state: &mut State, by: isize) {
    let rows = state.rows();
    let Some(last) = rows.len().checked_sub(1) else {
        return;
    };
    let row = match state.selected_row(&rows) {
        Some(row) => row.saturating_add_signed(by).min(last),
        None if by == isize::MAX => last,
        None => 0,
    };
    let key = DependencyKey::of(rows[row]);
    if state.selected.as_ref() != Some(&key) {
        state.scrolled_calls = 0;
    }
    state.selected = Some(key);
}
