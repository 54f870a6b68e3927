//! One table from keys to what they do. The dashboard obeys it, the footer and the help print it.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::message::{Action, Edit, Key as Pressed, Message};
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
        help: "quit; its own faults end first (also Ctrl-C)",
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
        shown: "Enter",
        short: "details",
        help: "all there is of one dependency; ← → the others",
        action: Action::Details,
        keys: &[plain(KeyCode::Enter)],
    },
    Binding {
        shown: "i",
        short: "inject",
        help: "start a fault on the selected dependency",
        action: Action::Inject,
        keys: &[char('i')],
    },
    Binding {
        shown: "d",
        short: "",
        help: "end the selected fault alone (also Del)",
        action: Action::EndFault,
        keys: &[char('d'), plain(KeyCode::Delete)],
    },
    Binding {
        shown: "/",
        short: "filter",
        help: "show only dependencies with this in their name",
        action: Action::Filter,
        keys: &[char('/')],
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
        short: "go to",
        help: "let the arrows move in the faults, the timeline, or back",
        action: Action::SwitchFocus,
        keys: &[plain(KeyCode::Tab), plain(KeyCode::BackTab)],
    },
    Binding {
        shown: "↑ ↓",
        short: "",
        help: "up and down (also k, j, the wheel; PgUp, PgDn)",
        action: Action::Up,
        keys: &[plain(KeyCode::Up), char('k')],
    },
    Binding {
        shown: "",
        short: "",
        help: "",
        action: Action::Down,
        keys: &[plain(KeyCode::Down), char('j')],
    },
    Binding {
        shown: "← →",
        short: "",
        help: "the dependency above, below",
        action: Action::Previous,
        keys: &[plain(KeyCode::Left)],
    },
    Binding {
        shown: "",
        short: "",
        help: "",
        action: Action::Next,
        keys: &[plain(KeyCode::Right)],
    },
    Binding {
        shown: "",
        short: "",
        help: "",
        action: Action::PageUp,
        keys: &[plain(KeyCode::PageUp)],
    },
    Binding {
        shown: "",
        short: "",
        help: "",
        action: Action::PageDown,
        keys: &[plain(KeyCode::PageDown)],
    },
    Binding {
        shown: "g G",
        short: "",
        help: "first line, last line (also Home, End)",
        action: Action::First,
        keys: &[plain(KeyCode::Home), char('g')],
    },
    Binding {
        shown: "",
        short: "",
        help: "",
        action: Action::Last,
        keys: &[plain(KeyCode::End), char('G')],
    },
    Binding {
        shown: "Esc",
        short: "",
        help: "back: close this, take the filter away",
        action: Action::Dismiss,
        keys: &[plain(KeyCode::Esc)],
    },
];

/// What the terminal reported, as a message; `None` where it means nothing here.
pub fn message(event: &Event) -> Option<Message> {
    match event {
        Event::Key(key) => pressed(key).map(Message::Key),
        Event::Mouse(mouse) => of_mouse(mouse),
        Event::Resize(..) => Some(Message::Resized),
        _ => None,
    }
}

fn of_mouse(mouse: &MouseEvent) -> Option<Message> {
    let (x, y) = (mouse.column, mouse.row);
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => Some(Message::Clicked(x, y)),
        MouseEventKind::ScrollUp => Some(Message::Scrolled(x, y, -1)),
        MouseEventKind::ScrollDown => Some(Message::Scrolled(x, y, 1)),
        _ => None,
    }
}

fn pressed(key: &KeyEvent) -> Option<Pressed> {
    if key.kind == KeyEventKind::Release || key.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let pressed = Pressed {
        action: action(key),
        edit: edit(key),
    };
    (pressed.action.is_some() || pressed.edit.is_some()).then_some(pressed)
}

fn action(key: &KeyEvent) -> Option<Action> {
    let pressed = (key.code, key.modifiers.contains(KeyModifiers::CONTROL));
    BINDINGS
        .iter()
        .chain(replay::BINDINGS)
        .find(|binding| binding.keys.contains(&pressed))
        .map(|binding| binding.action)
}

/// What a key does where something is being written.
fn edit(key: &KeyEvent) -> Option<Edit> {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('u') if ctrl => Edit::Clear,
        KeyCode::Char(_) if ctrl => return None,
        KeyCode::Char(typed) => Edit::Type(typed),
        KeyCode::Backspace => Edit::Erase,
        KeyCode::Up | KeyCode::BackTab => Edit::Previous,
        KeyCode::Down | KeyCode::Tab => Edit::Next,
        KeyCode::Left => Edit::Left,
        KeyCode::Right => Edit::Right,
        KeyCode::Enter => Edit::Done,
        KeyCode::Esc => Edit::Cancel,
        _ => return None,
    })
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
    fn what_writes_does_nothing_else_by_ctrl() {
        let press = |code, modifiers| pressed(&KeyEvent::new(code, modifiers)).unwrap();
        let x = press(KeyCode::Char('x'), KeyModifiers::NONE);
        assert_eq!(x.edit, Some(Edit::Type('x')));
        assert_eq!(x.action, Some(Action::StopFaults));
        let c = press(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!((c.edit, c.action), (None, Some(Action::Quit)));
        assert_eq!(press(KeyCode::F(12), KeyModifiers::NONE).edit, None);
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
