//! The pictures of a journal, one after the other or from some time on.

use serde_json::Value;

use super::{Journal, change, line::Line, read::Place};
use crate::snapshot::Snapshot;

/// A journal as pictures; stands at one of them.
#[derive(Debug)]
pub struct Film {
    journal: Journal,
    at: usize,
    now: Value,
}

impl Film {
    /// The pictures of a journal, at the first.
    pub fn new(journal: Journal) -> Self {
        let mut film = Self {
            journal,
            at: 0,
            now: Value::Null,
        };
        film.develop(0..=0);
        film
    }

    /// The journal.
    #[cfg(test)]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The time of the last picture.
    pub fn length_ms(&self) -> u64 {
        self.journal.moments.last().map_or(0, |it| it.at_ms)
    }

    /// The time of the picture after the one it stands at; `None` at the last.
    pub fn next_ms(&self) -> Option<u64> {
        self.journal.moments.get(self.at + 1).map(|it| it.at_ms)
    }

    /// Goes to the last picture that isn't after a time, or to the first.
    pub fn go_to(&mut self, ms: u64) {
        let moments = &self.journal.moments;
        let to = moments.partition_point(|it| it.at_ms <= ms).max(1) - 1;
        let whole = moments[..=to].iter().rposition(|it| it.is_whole);
        let from = whole.unwrap_or(0);
        // What stands before the one it is at, or further on than a whole one, isn't made again.
        let from = if (from..=to).contains(&self.at) {
            self.at + 1
        } else {
            from
        };
        self.at = to;
        self.develop(from..=to);
    }

    /// The picture it stands at; at the last of a journal that was cut off, that is in it.
    pub fn picture(&self) -> Snapshot {
        let mut picture: Snapshot = serde_json::from_value(self.now.clone()).unwrap_or_default();
        picture.timeline = self.journal.timeline(picture.elapsed_ms);
        let is_last = self.at + 1 == self.journal.moments.len();
        if is_last && !self.journal.is_complete() {
            let word = self.journal.last_word();
            if let Some(day) = &mut picture.game_day {
                day.verdict = Some("aborted".into());
                day.reason = Some(word.text.clone());
            }
            picture.timeline = self.journal.timeline(u64::MAX);
            picture.timeline.push(word);
        }
        picture
    }

    fn develop(&mut self, which: impl Iterator<Item = usize>) {
        for n in which {
            let Some(place) = self.journal.moments.get(n) else {
                return;
            };
            // Each was read before, when the journal was.
            let Some(state) = self.read(place) else {
                continue;
            };
            match (state.whole, state.change) {
                (Some(whole), _) => self.now = whole,
                (None, Some(change)) => {
                    let _ = change::apply(&mut self.now, &change);
                }
                (None, None) => {}
            }
        }
    }

    fn read(&self, place: &Place) -> Option<super::line::State> {
        match serde_json::from_slice(&self.journal.bytes[place.line.clone()]) {
            Ok(Line::Moment(state)) => Some(state),
            _ => None,
        }
    }
}
