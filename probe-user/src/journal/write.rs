//! From what is known of a moment to lines.

use serde::Serialize;
use serde_json::Value;

use super::{
    change::{self, Change},
    line::{Begin, End, Event, Line, SCHEMA, Second, State},
};
use crate::{
    snapshot::{Snapshot, TimelineEntry},
    verdict::Verdict,
};

/// So often a document is written whole, so that a line lost costs no more than what follows
/// until then.
const WHOLE_MS: u64 = 30_000;

/// Makes lines, each ending in a newline. Remembers the documents it wrote last.
#[derive(Debug, Default)]
pub struct Writer {
    moment: Chain,
    standing: Chain,
}

/// A document as it was last written.
#[derive(Debug, Default)]
struct Chain {
    last: Option<Value>,
    whole_ms: u64,
}

impl Writer {
    /// The first line.
    pub fn begin(begin: &Begin) -> String {
        let mut begin = begin.clone();
        SCHEMA.clone_into(&mut begin.schema);
        text(&Line::Begin(begin))
    }

    /// What the dashboard shows.
    pub fn moment(&mut self, snapshot: &Snapshot) -> String {
        let state = self.moment.next(snapshot.elapsed_ms, snapshot);
        text(&Line::Moment(state))
    }

    /// The verdict, were it aborted then.
    pub fn standing(&mut self, at_ms: u64, verdict: &Verdict) -> String {
        text(&Line::Standing(self.standing.next(at_ms, verdict)))
    }

    /// A second that is over.
    pub fn second(second: Second) -> String {
        text(&Line::Second(second))
    }

    /// Something that happened.
    pub fn event(entry: TimelineEntry, of_game_day: bool) -> String {
        text(&Line::Event(Event { of_game_day, entry }))
    }

    /// The last line.
    pub fn end(at_ms: u64, verdict: Verdict) -> String {
        text(&Line::End(Box::new(End { at_ms, verdict })))
    }
}

impl Chain {
    fn next(&mut self, at_ms: u64, document: &impl Serialize) -> State {
        // Nothing in it can fail to serialize: keys are text, and floats that JSON lacks are null.
        let mut now = serde_json::to_value(document).unwrap_or_default();
        if let Some(members) = now.as_object_mut() {
            members.remove("timeline");
        }
        change::without_nulls(&mut now);
        let is_due = at_ms.saturating_sub(self.whole_ms) >= WHOLE_MS;
        let change = match &self.last {
            Some(last) if !is_due => change::between(last, &now),
            _ => Change::Whole,
        };
        let state = match change {
            Change::None => State {
                at_ms,
                change: Some(Value::Object(serde_json::Map::new())),
                whole: None,
            },
            Change::By(change) => State {
                at_ms,
                change: Some(change),
                whole: None,
            },
            Change::Whole => {
                self.whole_ms = at_ms;
                State {
                    at_ms,
                    change: None,
                    whole: Some(now.clone()),
                }
            }
        };
        self.last = Some(now);
        state
    }
}

fn text(line: &Line) -> String {
    serde_json::to_string(line).unwrap_or_default() + "\n"
}
