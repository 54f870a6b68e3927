//! What an observation can vouch for: which of the events it was given, and what it forgot so as
//! to stay within its memory.

use probe_common::counters::PeerCounters;

use super::Histogram;

/// What the kernel programs counted of a peer: complete, also where events were lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// How often what happened.
    pub counters: PeerCounters,
    /// Latencies of answered requests.
    pub latency: Histogram,
}

impl Counted {
    /// Adds what another counted.
    pub fn add(&mut self, other: &Self) {
        self.counters.add(&other.counters);
        self.latency.merge(&other.latency);
    }

    /// Calls that ended.
    pub fn calls(&self) -> u64 {
        let it = &self.counters;
        it.answers + it.abandoned + it.cut_off + it.connect_failures
    }
}

/// The books of an observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// What was told.
    pub events: Events,
    /// Connections that were followed.
    pub flows: Flows,
    /// Slots of peers that came back, to be lent again.
    pub slots_returned: u64,
    /// Times that a peer was to have a slot and there was none: its calls are told of nobody.
    pub unplaced: u64,
    /// What was forgotten.
    pub forgotten: Forgotten,
}

/// Events of the kernel programs: `produced = delivered + lost`, once the programs are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// How many there were.
    pub produced: u64,
    /// How many came here.
    pub delivered: u64,
    /// How many found no room, neither in a CPU's tray nor in the ring.
    pub lost: u64,
}

/// Connections, each side of one for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// How many were taken up.
    pub created: u64,
    /// How many were over.
    pub closed: u64,
    /// How many are followed now.
    pub present: u64,
}

impl Flows {
    /// How many had to make room for others, those idle longest first.
    pub fn evicted(&self) -> u64 {
        self.created
            .saturating_sub(self.closed)
            .saturating_sub(self.present)
    }
}

/// What user space forgot before its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Dependencies and services, those idle longest first.
    pub parties: u64,
    /// The calls of those.
    pub party_calls: u64,
    /// Calls of the others that aren't remembered by their time any more; they count in totals.
    pub calls: u64,
}

impl Accounts {
    /// What weakens any statement about single calls: events that were lost, and calls of nobody.
    pub fn untold(&self) -> u64 {
        self.events.lost + self.unplaced
    }
}
