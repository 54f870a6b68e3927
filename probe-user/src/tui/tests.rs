//! The dashboard's tests: every state of the screen at two sizes, what keys do, no size that
//! breaks it.

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::message::{Action, Key, Message};
use super::state::State;
use super::theme::Theme;
use super::view;
use crate::snapshot::Snapshot;

mod pictures;
mod replays;
mod samples;
mod screens;
mod sizes;
mod updates;

/// A state that shows a snapshot.
fn showing(snapshot: Snapshot) -> State {
    let shown = Arc::new(snapshot);
    State {
        latest: Arc::clone(&shown),
        shown,
        begun: true,
        ..State::default()
    }
}

/// A key for an action, that writes nothing.
fn wanted(action: Action) -> Message {
    Message::Key(Key {
        action: Some(action),
        edit: None,
    })
}

fn render(state: &State, color: bool, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let frame = |frame: &mut ratatui::Frame| {
        let _ = view::draw(state, Theme::new(color), frame.area(), frame.buffer_mut());
    };
    terminal.draw(frame).unwrap().buffer.clone()
}

/// The characters of a screen, line by line.
fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let symbols: Vec<&str> = buffer.content().iter().map(|cell| cell.symbol()).collect();
    let lines = symbols.chunks(width).map(|line| line.concat());
    lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}
