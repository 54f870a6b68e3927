//! From a journal's bytes to what is in it. What was torn when probe was killed is passed over,
//! and said; so is what can't be read in its midst.

use std::ops::Range;

use serde_json::Value;

use super::{
    change,
    line::{Begin, Event, Line, SCHEMA, Second, State},
};
use crate::{mistake::Mistake, scenario::Scenario, snapshot::TimelineEntry, verdict::Verdict};

/// Remarks on lines that can't be read; further ones are left out.
const MOST_REMARKS: usize = 5;

/// A journal that was read.
#[derive(Debug)]
pub struct Journal {
    /// What was known when it began.
    pub begin: Begin,
    /// What was run.
    pub scenario: Scenario,
    /// What is wrong with it, a sentence each.
    pub remarks: Vec<String>,
    /// The last moment that it tells of, in the session's time.
    pub until_ms: u64,
    pub(super) bytes: Vec<u8>,
    /// Lines with moments that can be made: a whole one, or a change of what stands before.
    pub(super) moments: Vec<Place>,
    pub(super) events: Vec<Event>,
    pub(super) seconds: Vec<Second>,
    /// The verdict as it stood last, its timeline and moments left out.
    pub(super) standing: Option<Value>,
    pub(super) end: Option<Verdict>,
}

/// Where a moment's line is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) at_ms: u64,
    pub(super) is_whole: bool,
    pub(super) line: Range<usize>,
}

impl Journal {
    /// Reads a journal; `name` is what it is called in messages.
    ///
    /// # Errors
    /// Where it is none, or nothing can be told from it.
    pub fn read(bytes: Vec<u8>, name: &str) -> Result<Self, Mistake> {
        let mut lines = lines(&bytes);
        let first = lines.next().unwrap_or_default();
        let begin = begin(&bytes[first]).map_err(|it| it.in_place(name))?;
        let scenario = Scenario::parse(&begin.scenario, name).map_err(|error| {
            Mistake::new(format!("{name}: the scenario in it can't be read: {error}"))
        })?;
        let mut reading = Reading::default();
        for (n, place) in lines.enumerate() {
            reading.take(n + 2, place, &bytes);
        }
        let journal = reading.done(begin, scenario, bytes);
        if journal.moments.is_empty() || (journal.standing.is_none() && journal.end.is_none()) {
            let mistake = format!("{name}: it ends before the game day began: nothing is in it");
            return Err(Mistake::new(mistake));
        }
        Ok(journal)
    }

    /// Whether the game day came to its end.
    pub fn is_complete(&self) -> bool {
        self.end.is_some()
    }

    /// What happened, as a moment's picture shows it: first the session's, then the game day's.
    pub(super) fn timeline(&self, until_ms: u64) -> Vec<TimelineEntry> {
        let of = |of_game_day: bool| {
            let is = move |it: &&Event| it.of_game_day == of_game_day;
            self.events.iter().filter(is).map(|it| it.entry.clone())
        };
        let mut all: Vec<_> = of(false).chain(of(true)).collect();
        all.sort_by_key(|it| it.at_ms);
        all.retain(|it| it.at_ms <= until_ms);
        all
    }
}

fn begin(line: &[u8]) -> Result<Begin, Mistake> {
    let none = || {
        Mistake::new("it is no journal of probe's")
            .hint("`probe run SCENARIO --report DIR` leaves one as DIR/journal.jsonl")
    };
    let value: Value = serde_json::from_slice(line).map_err(|_| none())?;
    let schema = value["schema"].as_str().unwrap_or_default();
    if !schema.starts_with("probe.journal/") {
        return Err(none());
    }
    if schema != SCHEMA {
        return Err(Mistake::new(format!(
            "it is a {schema}, and this version of probe reads {SCHEMA}"
        )));
    }
    match serde_json::from_value(value) {
        Ok(Line::Begin(begin)) => Ok(begin),
        _ => Err(none()),
    }
}

/// Where lines are, those that are empty left out.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    let ends = bytes.split_inclusive(|&it| it == b'\n').map(move |line| {
        let place = from..from + line.len();
        from = place.end;
        place
    });
    ends.filter(|place| !bytes[place.clone()].trim_ascii().is_empty())
}

#[derive(Default)]
struct Reading {
    moments: Vec<Place>,
    events: Vec<Event>,
    seconds: Vec<Second>,
    end: Option<Verdict>,
    until_ms: u64,
    picture: Chain,
    standing: Chain,
    unreadable: Vec<usize>,
    is_torn: bool,
}

/// A document that changes from line to line; none where a line is missing.
#[derive(Default)]
struct Chain {
    now: Option<Value>,
    /// As it was when a line went missing.
    before: Option<Value>,
}

impl Chain {
    /// Takes a line; tells whether it could be made use of.
    fn take(&mut self, state: State) -> bool {
        match (state.whole, state.change, &mut self.now) {
            (Some(whole), _, now) => *now = Some(whole),
            (None, Some(change), Some(now)) => {
                let before = now.clone();
                if change::apply(now, &change).is_err() {
                    self.now = Some(before);
                    self.lose();
                    return false;
                }
            }
            // Told already, of the line that is missing.
            (None, Some(_), None) => return true,
            (None, None, _) => return false,
        }
        true
    }

    fn lose(&mut self) {
        self.before = self.now.take().or(self.before.take());
    }

    fn last(self) -> Option<Value> {
        self.now.or(self.before)
    }
}

impl Reading {
    fn take(&mut self, number: usize, place: Range<usize>, bytes: &[u8]) {
        let line = &bytes[place.clone()];
        match serde_json::from_slice(line) {
            Ok(line) => {
                if !self.take_line(line, place) {
                    self.unreadable.push(number);
                }
            }
            Err(_) if place.end == bytes.len() => self.is_torn = true,
            Err(_) => {
                self.unreadable.push(number);
                // It may have been a change: what follows builds on nothing.
                self.picture.lose();
                self.standing.lose();
            }
        }
    }

    fn take_line(&mut self, line: Line, place: Range<usize>) -> bool {
        match line {
            Line::Begin(_) => return false,
            Line::Moment(state) => {
                let (at_ms, is_whole) = (state.at_ms, state.whole.is_some());
                let is_good = self.picture.take(state);
                if self.picture.now.is_none() {
                    return is_good;
                }
                self.until_ms = self.until_ms.max(at_ms);
                self.moments.push(Place {
                    at_ms,
                    is_whole,
                    line: place,
                });
            }
            Line::Standing(state) => {
                self.until_ms = self.until_ms.max(state.at_ms);
                return self.standing.take(state);
            }
            Line::Second(second) => self.seconds.push(second),
            Line::Event(event) => {
                self.until_ms = self.until_ms.max(event.entry.at_ms);
                self.events.push(event);
            }
            Line::End(end) => {
                self.until_ms = self.until_ms.max(end.at_ms);
                self.end = Some(end.verdict);
            }
        }
        true
    }

    fn done(self, begin: Begin, scenario: Scenario, bytes: Vec<u8>) -> Journal {
        let mut remarks = Vec::new();
        if self.is_torn {
            remarks.push("its last line is torn, and passed over".to_owned());
        }
        for number in self.unreadable.iter().take(MOST_REMARKS) {
            remarks.push(format!("line {number} can't be read, and is passed over"));
        }
        if let Some(more) = self.unreadable.len().checked_sub(MOST_REMARKS + 1) {
            remarks.push(format!("so are {} more", more + 1));
        }
        if self.end.is_none() {
            remarks.push(super::cut_off::remark(self.until_ms));
        }
        Journal {
            begin,
            scenario,
            remarks,
            until_ms: self.until_ms,
            bytes,
            moments: self.moments,
            events: self.events,
            seconds: self.seconds,
            standing: self.standing.last(),
            end: self.end,
        }
    }
}
