//! The ring of events, and how far it was filled.

use std::hint;

use anyhow::{Context, Result};
use aya::maps::{Map, MapData, RingBuf};

use super::trays::LOOKS;
use crate::kernel::mapped::Mapped;

/// The pages before a ring's bytes: how far they were read, and how far filled.
const READ: usize = 0;
const FILLED: usize = 1;

/// The ring.
pub(super) struct Ring {
    events: RingBuf<MapData>,
    read: Mapped<u64>,
    filled: Mapped<u64>,
    /// How far it was filled when it was last looked.
    until: u64,
}

impl Ring {
    /// Takes a loaded object's ring over.
    ///
    /// # Errors
    /// Where it can't be mapped.
    pub(super) fn take(map: Map) -> Result<Self> {
        let events = RingBuf::try_from(map)?;
        let page = |page| Mapped::map_page(&events, page).context("mapping the ring of events");
        let (read, filled) = (page(READ)?, page(FILLED)?);
        Ok(Self {
            events,
            read,
            filled,
            until: 0,
        })
    }

    /// Looks how far it is filled.
    pub(super) fn look(&mut self) {
        self.until = self.filled.read(0).unwrap_or(0);
    }

    /// Takes the next event out, where there is one. Tells whether it could: not where one that was
    /// there at the last look isn't whole, which whatever happened later has to wait for.
    pub(super) fn take_next(&mut self, into: &mut Vec<u8>) -> bool {
        for _ in 0..LOOKS {
            if let Some(event) = self.events.next() {
                into.extend_from_slice(&event);
                return true;
            }
            // There is none, or it is still being written: the library says the same of both.
            if self.read.read(0).is_none_or(|read| read >= self.until) {
                return true;
            }
            hint::spin_loop();
        }
        false
    }
}
