//! A replay says that it is one, and its footer tells its own keys.

use super::{render, samples, showing, text};
use crate::snapshot::{ReplayView, Snapshot};

#[test]
fn a_replay_can_not_be_taken_for_the_present() {
    let replay = ReplayView {
        speed: 4.0,
        is_paused: false,
        length_ms: 73_400,
    };
    let snapshot = Snapshot {
        replay: Some(replay),
        ..samples::faulted()
    };
    for (width, height) in [(80, 24), (160, 50)] {
        let screen = text(&render(&showing(snapshot.clone()), false, width, height));
        assert!(screen.contains("REPLAY 4x of 01:13"), "{screen}");
        let footer = screen.trim_end().lines().last().unwrap();
        for keys in ["q quit", "Space pause", "+ faster", "- slower", ". step"] {
            assert!(footer.contains(keys), "{keys} in {footer}");
        }
        assert!(!screen.contains("stop all faults"), "{screen}");
    }
}
