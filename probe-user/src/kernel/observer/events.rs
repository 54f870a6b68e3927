//! What the programs tell, by the trays and by the ring, in the order in which it happened.

use anyhow::Result;
use aya::Ebpf;
use probe_common::{event::EventHeader, names::map};

use super::{ring::Ring, trays::Trays};
use crate::kernel::{clock, object};

/// Both ways.
pub(super) struct Events {
    trays: Trays,
    ring: Ring,
    /// Taken from the ring, but not its turn yet; empty where there is none.
    waiting: Vec<u8>,
}

impl Events {
    /// Takes the maps over.
    ///
    /// # Errors
    /// Where they can't be mapped.
    pub(super) fn take(ebpf: &mut Ebpf) -> Result<Self> {
        let mut take = |name| object::take_map(ebpf, name);
        Ok(Self {
            trays: Trays::map(&take(map::TRAYS)?, &take(map::TRAY_CURSORS)?)?,
            ring: Ring::take(take(map::EVENTS)?)?,
            waiting: Vec::new(),
        })
    }

    /// Hands over what was told since the last time.
    ///
    /// What one event led to is told after it: a program tells of it before it lets the packet go
    /// on. So of what happened before this began, every event that led to another is there, and to
    /// sort by time is enough. Later ones are left for the next time.
    pub(super) fn each(&mut self, mut hand: impl FnMut(&[u8])) {
        let until_ns = clock::now_ns();
        self.ring.look();
        self.trays.look();
        loop {
            if self.waiting.is_empty() && !self.ring.take_next(&mut self.waiting) {
                break;
            }
            let limit_ns = self.waiting_ns().unwrap_or(until_ns).min(until_ns);
            // At the same time, pieces of traffic come first: of one packet, its frames and then
            // the connection's end.
            if !self.trays.each_before(limit_ns, &mut hand) || limit_ns == until_ns {
                break;
            }
            hand(&self.waiting);
            self.waiting.clear();
        }
        self.trays.tell();
    }

    /// When that happened which waits for its turn, if anything does.
    fn waiting_ns(&self) -> Option<u64> {
        let at_ns = || EventHeader::decode(&self.waiting).map_or(0, |it| it.at_ns);
        (!self.waiting.is_empty()).then(at_ns)
    }
}
