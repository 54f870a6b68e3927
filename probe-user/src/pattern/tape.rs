//! The bounded record of one service's calls to one dependency: those in times of trouble whole, as
//! far as they fit, and some of those in calm times to compare with.

use std::collections::VecDeque;

use super::attempt::{Attempt, Outcome, Phase};
use super::finding::Exhibit;

/// Attempts of troubled times kept; the oldest go first.
pub(super) const MOST: usize = 4_096;
/// Calm attempts kept to compare with.
const MOST_CALM: usize = 512;
/// Calm attempts that stand before and after troubled times on the tape.
const MARGIN: usize = 128;
/// How long without a failure it takes to be calm again.
const CALM_AFTER_NS: u64 = 2_000_000_000;

/// What is kept of an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Entry {
    /// When the caller set out: the call to connect(), where there was one.
    pub(super) start: u64,
    /// First byte of the request.
    pub(super) began: u64,
    pub(super) ended: u64,
    pub(super) fingerprint: u64,
    pub(super) connection: u64,
    pub(super) tid: u32,
    pub(super) stream: u32,
    pub(super) outcome: Outcome,
    pub(super) phase: Phase,
    pub(super) faulted: bool,
    /// It was the first on its connection: then its thread is known.
    pub(super) fresh: bool,
    /// Its number on the record, in the order of starts.
    pub(super) place: u32,
    /// When the inbound call that it was made for failed without waiting for its end; 0 where it
    /// didn't. Set by [`super::reading::Reading`].
    pub(super) given_up_at: u64,
}

impl Entry {
    pub(super) fn of(attempt: &Attempt) -> Self {
        let connect_ns = match attempt.new_connection {
            true => attempt.connect_ns,
            false => 0,
        };
        Self {
            start: attempt.began_ns.saturating_sub(connect_ns),
            began: attempt.began_ns,
            ended: attempt.ended_ns.max(attempt.began_ns),
            fingerprint: attempt.fingerprint,
            connection: attempt.connection,
            tid: attempt.tid,
            stream: attempt.stream,
            outcome: attempt.outcome,
            phase: attempt.phase,
            faulted: attempt.faulted,
            fresh: attempt.new_connection,
            place: 0,
            given_up_at: 0,
        }
    }

    pub(super) fn failed(&self) -> bool {
        self.outcome.failed()
    }

    /// When it failed in the eyes of who made it: a timeout that leaves the connection open isn't
    /// seen on the wire.
    pub(super) fn in_vain_at(&self) -> Option<u64> {
        if self.failed() {
            Some(self.ended)
        } else {
            Some(self.given_up_at).filter(|at| *at > 0)
        }
    }

    /// Whether it was of no use to who made it.
    pub(super) fn was_in_vain(&self) -> bool {
        self.in_vain_at().is_some()
    }

    /// When it was over for who made it.
    pub(super) fn over_at(&self) -> u64 {
        self.in_vain_at().unwrap_or(self.ended)
    }

    /// How long it waited for an answer, or for a connection.
    pub(super) fn age(&self) -> u64 {
        self.ended - self.began
    }

    pub(super) fn exhibit(&self) -> Exhibit {
        Exhibit {
            connection: self.connection,
            began_ns: self.start,
            ended_ns: self.ended,
            outcome: self.outcome,
        }
    }
}

/// See the file's head.
#[derive(Clone, Debug, Default)]
pub(super) struct Tape {
    calm: VecDeque<Entry>,
    troubled: VecDeque<Entry>,
    /// When the last failure ended.
    last_failure: Option<u64>,
    /// How many calm ones were put on the tape since.
    margin: usize,
    /// Goes up with each attempt.
    version: u64,
    /// Attempts of troubled times that there was no room for.
    gone: u64,
}

impl Tape {
    /// Takes in an attempt; `fault_on`: a fault is known to be on the dependency.
    pub(super) fn put(&mut self, attempt: &Attempt, fault_on: bool) {
        let entry = Entry::of(attempt);
        self.version += 1;
        if entry.failed() {
            self.last_failure = self.last_failure.max(Some(entry.ended));
        }
        let recent = self
            .last_failure
            .is_some_and(|at| entry.ended < at + CALM_AFTER_NS);
        if fault_on || entry.faulted || recent {
            self.enter_trouble();
            self.gone += push(&mut self.troubled, entry, MOST);
            self.margin = 0;
            return;
        }
        push(&mut self.calm, entry, MOST_CALM);
        if !self.troubled.is_empty() && self.margin < MARGIN {
            self.margin += 1;
            self.gone += push(&mut self.troubled, entry, MOST);
        }
    }

    /// Where trouble begins anew after calm times, those just before it belong to the story.
    fn enter_trouble(&mut self) {
        if !self.troubled.is_empty() && self.margin < MARGIN {
            return;
        }
        let last = self.troubled.back().map_or(0, |it| it.ended);
        let from = self.calm.len().saturating_sub(MARGIN);
        for entry in self.calm.iter().skip(from).filter(|it| it.ended > last) {
            self.gone += push(&mut self.troubled, *entry, MOST);
        }
    }

    /// Takes in another, which turned out to be of the same link.
    pub(super) fn absorb(&mut self, other: Self) {
        self.version += other.version + 1;
        self.gone += other.gone;
        self.last_failure = self.last_failure.max(other.last_failure);
        join(&mut self.calm, other.calm, MOST_CALM);
        self.gone += join(&mut self.troubled, other.troubled, MOST);
    }

    /// Forgets all calls of troubled times, as there is no room for them.
    pub(super) fn give_up(&mut self) {
        self.gone += self.troubled.len() as u64;
        self.troubled = VecDeque::new();
    }

    /// How many calls are on record.
    pub(super) fn len(&self) -> usize {
        self.calm.len() + self.troubled.len()
    }

    /// Whether there was trouble at all.
    pub(super) fn is_troubled(&self) -> bool {
        !self.troubled.is_empty()
    }

    /// Calls of troubled times that there was no room for.
    pub(super) fn gone(&self) -> u64 {
        self.gone
    }

    /// Calm attempts, in the order of their ends.
    pub(super) fn calm(&self) -> impl Iterator<Item = &Entry> {
        self.calm.iter()
    }

    /// Attempts of troubled times with their margins, in the order of their ends.
    pub(super) fn troubled(&self) -> impl Iterator<Item = &Entry> {
        self.troubled.iter()
    }

    /// Changes with each attempt.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// When the last attempt on record ended.
    pub(super) fn last_end(&self) -> u64 {
        let of = |record: &VecDeque<Entry>| record.back().map_or(0, |it| it.ended);
        of(&self.calm).max(of(&self.troubled))
    }
}

/// Adds an entry; tells how many had to go for it.
fn push(record: &mut VecDeque<Entry>, entry: Entry, most: usize) -> u64 {
    let is_full = record.len() == most;
    if is_full {
        record.pop_front();
    }
    record.push_back(entry);
    u64::from(is_full)
}

/// Joins two records in the order of their ends; tells how many had to go.
fn join(record: &mut VecDeque<Entry>, other: VecDeque<Entry>, most: usize) -> u64 {
    record.extend(other);
    record.make_contiguous().sort_by_key(|it| it.ended);
    let over = record.len().saturating_sub(most);
    record.drain(..over);
    over as u64
}
