//! One table from keys to what they do. The dashboard obeys it, the footer and the help print it.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::message::{Action, Message};
use super::replay;

/// One line of the table.
pub struct Binding {
    /// The keys as a person would name them.
    pub shown: &'static str,
    /// What it does, in a word or two for the footer; empty where the footer leaves it out.
    pub short: &'static str,
    /// What it does, for the help.
    pub help: &'static str,
    /// What is wanted by it.
    pub action: Action,
    pub(super) keys: &'static [Key],
}

/// A key, and whether Ctrl is held.
pub(super) type Key = (KeyCode, bool);

const fn plain(code: KeyCode) -> Key {
    (code, false)
}

pub(super) const fn char(char: char) -> Key {
    plain(KeyCode::Char(char))
}

/// All keys, the most needed first.
pub const BINDINGS: &[Binding] = &[
    Binding {
        shown: "!",
        short: "stop all faults",
        help: "end every fault at once (also x, F12)",
        action: Action::StopFaults,
        keys: &[char('!'), char('x'), plain(KeyCode::F(12))],
    },
    Binding {
        shown: "q",
        short: "quit",
        help: "quit; active faults end first (also Ctrl-C)",
        action: Action::Quit,
        keys: &[char('q'), (KeyCode::Char('c'), true)],
    },
    Binding {
        shown: "?",
        short: "help",
        help: "show or hide this help",
        action: Action::Help,
        keys: &[char('?'), char('h'), plain(KeyCode::F(1))],
    },
    Binding {
        shown: "p",
        short: "pause",
        help: "hold the picture still; faults and the game day go on",
        action: Action::Pause,
        keys: &[char('p'), char(' ')],
    },
    Binding {
        shown: "s",
        short: "sort",
        help: "order by name, rate, p99, failures",
        action: Action::NextSort,
        keys: &[char('s')],
    },
    Binding {
        shown: "Tab",
        short: "timeline",
        help: "let the arrows move in the timeline, or back",
        action: Action::SwitchFocus,
        keys: &[plain(KeyCode::Tab), plain(KeyCode::BackTab)],
    },
    Binding {
        shown: "↑ k",
        short: "",
        help: "up, to older entries",
        action: Action::Up,
        keys: &[plain(KeyCode::Up), char('k')],
    },
    Binding {
        shown: "↓ j",
        short: "",
        help: "down, to newer entries",
        action: Action::Down,
        keys: &[plain(KeyCode::Down), char('j')],
    },
    Binding {
        shown: "PgUp",
        short: "",
        help: "a page up",
        action: Action::PageUp,
        keys: &[plain(KeyCode::PageUp)],
    },
    Binding {
        shown: "PgDn",
        short: "",
        help: "a page down",
        action: Action::PageDown,
        keys: &[plain(KeyCode::PageDown)],
    },
    Binding {
        shown: "Home g",
        short: "",
        help: "first line, oldest entry",
        action: Action::First,
        keys: &[plain(KeyCode::Home), char('g')],
    },
    Binding {
        shown: "End G",
        short: "",
        help: "last line, newest entry",
        action: Action::Last,
        keys: &[plain(KeyCode::End), char('G')],
    },
    Binding {
        shown: "Esc",
        short: "",
        help: "close what lies over the picture",
        action: Action::Dismiss,
        keys: &[plain(KeyCode::Esc)],
    },
];

/// What the terminal reported, as a message; `None` where it means nothing here.
pub fn message(event: &Event) -> Option<Message> {
    match event {
        Event::Key(key) => action(key).map(Message::Action),
        Event::Resize(..) => Some(Message::Resized),
        _ => None,
    }
}

fn action(key: &KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release || key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let pressed = (key.code, key.modifiers.contains(KeyModifiers::CONTROL));
    BINDINGS
        .iter()
        .chain(replay::BINDINGS)
        .find(|binding| binding.keys.contains(&pressed))
        .map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Option<Action> {
        action(&KeyEvent::new(code, modifiers))
    }

    #[test]
    fn every_way_to_the_emergency_stop() {
        for code in [KeyCode::Char('!'), KeyCode::Char('x'), KeyCode::F(12)] {
            assert_eq!(
                press(code, KeyModifiers::NONE),
                Some(Action::StopFaults),
                "{code}"
            );
        }
        // Some terminals report the shift that typed it.
        assert_eq!(
            press(KeyCode::Char('!'), KeyModifiers::SHIFT),
            Some(Action::StopFaults)
        );
    }

    #[test]
    fn ctrl_is_not_overlooked() {
        let c = KeyCode::Char('c');
        assert_eq!(press(c, KeyModifiers::CONTROL), Some(Action::Quit));
        assert_eq!(press(c, KeyModifiers::NONE), None);
        assert_eq!(press(KeyCode::Char('x'), KeyModifiers::CONTROL), None);
    }

    #[test]
    fn no_key_means_two_things() {
        let bindings = BINDINGS.iter().chain(replay::BINDINGS);
        let mut keys: Vec<_> = bindings.flat_map(|binding| binding.keys).collect();
        let all = keys.len();
        keys.sort_by_key(|(code, ctrl)| (code.to_string(), *ctrl));
        keys.dedup();
        assert_eq!(keys.len(), all);
    }
}
