//! What of a running game day goes into its journal, and when.

use std::{path::PathBuf, sync::Arc};

use super::{
    game::Game,
    session::Session,
    tape::{Destination, Piece, Tape},
};
use crate::{journal::line::Second, kernel::clock, snapshot::Snapshot, verdict::Verdict};

/// Between two moments at least; the next tick after that may be 50 ms away.
const MOMENT_NS: u64 = 180_000_000;

/// How often it is told how the game day stands.
const STANDING_NS: u64 = 1_000_000_000;

/// How late a second is told: calls are known a little after they ended.
const LATE_MS: u64 = 200;

/// See the file's head.
#[derive(Debug, Default)]
pub struct Recorder {
    tape: Option<Tape>,
    trouble: Option<String>,
    is_told: bool,
    /// Entries of the session's timeline, and of the game day's, that were written.
    written: (usize, usize),
    seconds: u64,
    standing_ns: u64,
    moment_ns: u64,
    has_ended: bool,
}

/// Where a journal was left, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// Where; nowhere if there is none.
    pub path: Option<PathBuf>,
    /// What went wrong.
    pub trouble: Option<String>,
}

impl Recorder {
    /// Begins a journal; where that can't be, that is its trouble.
    pub fn begin(destination: &Destination) -> Self {
        let begun = Tape::begin(destination);
        Self {
            trouble: begun.as_ref().err().map(|error| format!("{error:#}")),
            tape: begun.ok(),
            ..Self::default()
        }
    }

    /// What went wrong, once.
    pub fn news(&mut self) -> Option<String> {
        if self.is_told {
            return None;
        }
        let of_tape = || self.tape.as_ref().and_then(Tape::trouble);
        let trouble = self.trouble.clone().or_else(of_tape)?;
        self.is_told = true;
        Some(trouble)
    }

    /// Writes down what happened since the last look, and how it stands where that is due.
    pub fn look(&mut self, session: &Session, game: &Game) {
        let Some(tape) = &self.tape else { return };
        if self.has_ended {
            return;
        }
        let (of_session, of_day) = (&session.timeline, game.day.timeline());
        for entry in of_session.iter().skip(self.written.0) {
            tape.put(Piece::Event(entry.clone(), false));
        }
        for entry in of_day.iter().skip(self.written.1) {
            tape.put(Piece::Event(entry.clone(), true));
        }
        self.written = (of_session.len(), of_day.len());
        let now_ns = clock::now_ns();
        while game.day.elapsed_ms(now_ns) >= (self.seconds + 1) * 1_000 + LATE_MS {
            let from_ms = self.seconds * 1_000;
            let (service, dependencies) = game.day.moments(from_ms, from_ms + 1_000, session);
            tape.put(Piece::Second(Second {
                service,
                dependencies,
            }));
            self.seconds += 1;
        }
        if now_ns < self.standing_ns {
            return;
        }
        if let Some(verdict) = game.day.standing(now_ns, session) {
            let at_ms = session.elapsed_ms(now_ns);
            tape.put(Piece::Standing(at_ms, Box::new(verdict)));
        }
        // However long it takes, it takes no more than a small share of the time.
        let took_ns = clock::now_ns().saturating_sub(now_ns);
        self.standing_ns = now_ns + STANDING_NS.max(20 * took_ns);
    }

    /// Whether it is time to write down what the dashboard shows.
    pub fn wants_moment(&self, now_ns: u64) -> bool {
        self.tape.is_some() && !self.has_ended && now_ns >= self.moment_ns
    }

    /// Writes down what the dashboard shows, or would.
    pub fn moment(&mut self, picture: &Arc<Snapshot>) {
        self.moment_ns = clock::now_ns() + MOMENT_NS;
        if let Some(tape) = self.tape.as_ref().filter(|_| !self.has_ended) {
            tape.put(Piece::Moment(Arc::clone(picture)));
        }
    }

    /// Writes down what the dashboard shows at the end.
    pub fn last_moment(&self, picture: Snapshot) {
        if let Some(tape) = self.tape.as_ref().filter(|_| !self.has_ended) {
            tape.put(Piece::LastMoment(Arc::new(picture)));
        }
    }

    /// Whether the last line was written.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Writes the last line.
    pub fn end(&mut self, at_ms: u64, verdict: Verdict) {
        if let Some(tape) = self.tape.as_ref().filter(|_| !self.has_ended) {
            tape.put(Piece::End(at_ms, Box::new(verdict)));
        }
        self.has_ended = true;
    }

    /// Waits a moment for all of it to be written.
    pub fn finish(mut self) -> Left {
        let Some(mut tape) = self.tape.take() else {
            return Left {
                path: None,
                trouble: self.trouble,
            };
        };
        tape.finish();
        Left {
            path: Some(tape.path().to_owned()),
            trouble: tape.trouble(),
        }
    }
}
