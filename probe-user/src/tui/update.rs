//! What a message does to the state, and what the engine is to be told. No I/O, no clock.

use std::sync::Arc;

use super::Command;
use super::message::{Action, Message};
use super::replay;
use super::state::{DependencyKey, Focus, Leaving, Overlay, State, Stop, active_faults};
use crate::snapshot::Snapshot;

/// Lines that a page moves.
const PAGE: isize = 10;

/// Takes in one message; tells what the engine is to do, in order.
pub fn update(state: &mut State, message: Message) -> Vec<Command> {
    match message {
        Message::Snapshot(snapshot) => take_in(state, snapshot),
        Message::Action(action) => return act(state, action),
        Message::Resized => {}
        Message::Silence(silence) => state.silence = silence,
        Message::Unheard => {
            if let Some(stop) = &mut state.stop {
                stop.unheard = true;
            }
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
    state.begun = true;
    state.silence = std::time::Duration::ZERO;
    state.latest = snapshot;
    if !state.paused {
        state.shown = Arc::clone(&state.latest);
    }
    if state.leaving == Leaving::OnceFaultsEnd && active_faults(&state.latest) == 0 {
        state.leaving = Leaving::Now;
    }
}

fn act(state: &mut State, action: Action) -> Vec<Command> {
    if let Some(commands) = replay::act(state, action) {
        return commands;
    }
    match action {
        Action::StopFaults => return stop_faults(state),
        Action::Quit => return quit(state),
        Action::Up => go(state, -1),
        Action::Down => go(state, 1),
        Action::PageUp => go(state, -PAGE),
        Action::PageDown => go(state, PAGE),
        Action::First => go(state, isize::MIN),
        Action::Last => go(state, isize::MAX),
        Action::SwitchFocus => {
            state.focus = match state.focus {
                Focus::Dependencies => Focus::Timeline,
                Focus::Timeline => Focus::Dependencies,
            }
        }
        Action::NextSort => state.sort = state.sort.next(),
        Action::Pause => pause(state),
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

fn stop_faults(state: &mut State) -> Vec<Command> {
    state.stop = Some(Stop {
        at_ms: state.latest.elapsed_ms,
        faults: active_faults(&state.latest),
        silence: state.silence,
        unheard: false,
    });
    // An emergency is no time for a still picture, nor for the help in front of it.
    state.overlay = None;
    if state.paused {
        pause(state);
    }
    vec![Command::Panic]
}

fn quit(state: &mut State) -> Vec<Command> {
    if state.leaving != Leaving::No {
        state.leaving = Leaving::Now;
        return Vec::new();
    }
    if active_faults(&state.latest) == 0 {
        state.leaving = Leaving::Now;
        return vec![Command::Quit];
    }
    let mut commands = stop_faults(state);
    commands.push(Command::Quit);
    state.leaving = Leaving::OnceFaultsEnd;
    commands
}

fn pause(state: &mut State) {
    state.paused = !state.paused;
    if !state.paused {
        state.shown = Arc::clone(&state.latest);
    }
}

fn dismiss(state: &mut State) {
    if state.overlay.take().is_none() && active_faults(&state.latest) == 0 {
        state.stop = None;
    }
}

fn go(state: &mut State, by: isize) {
    match state.focus {
        Focus::Dependencies => select(state, by),
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
    let rows = state.sort.order(&state.shown);
    let Some(last) = rows.len().checked_sub(1) else {
        return;
    };
    let row = match state.selected_row(&rows) {
        Some(row) => row.saturating_add_signed(by).min(last),
        None if by == isize::MAX => last,
        None => 0,
    };
    state.selected = Some(DependencyKey::of(rows[row]));
}
