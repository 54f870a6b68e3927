//! The dashboard over a recorded game day: nothing is there to be stopped, and the keys move in
//! time.

use super::figures::clock;
use super::keys::{self, Binding, char};
use super::message::Action;
use super::state::{Leaving, State};
use super::{Command, Replay};
use crate::snapshot::ReplayView;

/// Keys of a replay alone, or that mean something else in one.
pub const BINDINGS: &[Binding] = &[
    Binding {
        shown: "Space",
        short: "pause",
        help: "replay: stand still, or go on (also p)",
        action: Action::Pause,
        keys: &[],
    },
    Binding {
        shown: "+",
        short: "faster",
        help: "replay: twice as fast",
        action: Action::Faster,
        keys: &[char('+'), char('=')],
    },
    Binding {
        shown: "-",
        short: "slower",
        help: "replay: half as fast",
        action: Action::Slower,
        keys: &[char('-')],
    },
    Binding {
        shown: ".",
        short: "step",
        help: "replay: stand still at the next picture",
        action: Action::Step,
        keys: &[char('.')],
    },
    Binding {
        shown: "Home",
        short: "restart",
        help: "replay: from the beginning",
        action: Action::First,
        keys: &[],
    },
];

/// What the footer of a replay tells: leaving and help first, then its own keys.
pub fn footer() -> Vec<&'static Binding> {
    let usual = |wanted: &[Action]| -> Vec<&'static Binding> {
        let is = |it: &&Binding| wanted.contains(&it.action);
        keys::BINDINGS.iter().filter(is).collect()
    };
    let mut all = usual(&[Action::Quit, Action::Help]);
    all.extend(BINDINGS);
    all.extend(usual(&[Action::NextSort, Action::SwitchFocus]));
    all
}

/// What an action means in a replay; `None` where that is what it means anywhere, or this is none.
pub fn act(state: &mut State, action: Action) -> Option<Vec<Command>> {
    state.latest.replay?;
    let wanted = match action {
        Action::Pause => Replay::Pause,
        Action::Faster => Replay::Faster,
        Action::Slower => Replay::Slower,
        Action::Step => Replay::Step,
        Action::First => Replay::Restart,
        Action::StopFaults => return Some(Vec::new()),
        Action::Quit => {
            state.leaving = Leaving::Now;
            return Some(vec![Command::Quit]);
        }
        _ => return None,
    };
    Some(vec![Command::Replay(wanted)])
}

/// Where a replay is and how fast: "REPLAY 4x of 01:13".
pub fn words(replay: ReplayView) -> String {
    let pace = match replay.is_paused {
        true => "paused".to_owned(),
        false => format!("{}x", replay.speed),
    };
    format!("REPLAY {pace} of {}", clock(replay.length_ms))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::snapshot::{FaultView, Snapshot};

    fn state(replay: Option<ReplayView>) -> State {
        let fault = FaultView {
            left_ms: Some(1_000),
            ..FaultView::default()
        };
        let shown = Arc::new(Snapshot {
            faults: vec![fault],
            replay,
            ..Snapshot::default()
        });
        State {
            latest: Arc::clone(&shown),
            shown,
            ..State::default()
        }
    }

    #[test]
    fn keys_move_in_time_and_stop_nothing() {
        let mut replaying = state(Some(ReplayView::default()));
        let wanted = act(&mut replaying, Action::Pause);
        assert_eq!(wanted, Some(vec![Command::Replay(Replay::Pause)]));
        assert!(!replaying.paused);
        assert_eq!(act(&mut replaying, Action::StopFaults), Some(vec![]));
        assert_eq!(replaying.stop, None);
        assert_eq!(act(&mut replaying, Action::Down), None);
        act(&mut replaying, Action::Quit);
        assert_eq!(replaying.leaving, Leaving::Now);
        assert_eq!(act(&mut state(None), Action::Pause), None);
    }

    #[test]
    fn the_bar_says_what_this_is() {
        let replay = ReplayView {
            speed: 0.5,
            is_paused: false,
            length_ms: 73_000,
        };
        assert_eq!(words(replay), "REPLAY 0.5x of 01:13");
        let paused = ReplayView {
            is_paused: true,
            ..replay
        };
        assert_eq!(words(paused), "REPLAY paused of 01:13");
    }
}
