//! A string of a header field: not kept, but measured, hashed, and known by its beginning. So a
//! hostile one takes no more room than any other.

use super::super::fingerprint;

/// Longer than every name and value that means something here.
const START: usize = 24;

/// What is kept of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text {
    start: [u8; START],
    length: u32,
    fingerprint: u64,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            start: [0; START],
            length: 0,
            fingerprint: fingerprint::of(&[]),
        }
    }
}

impl Text {
    /// Of a string as it is.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut text = Self::default();
        bytes.iter().for_each(|byte| text.push(*byte));
        text
    }

    /// One more byte.
    pub(super) fn push(&mut self, byte: u8) {
        if let Some(place) = self.start.get_mut(self.length as usize) {
            *place = byte;
        }
        self.length = self.length.saturating_add(1);
        self.fingerprint = fingerprint::and(self.fingerprint, &[byte]);
    }

    /// Its beginning.
    pub(super) fn start(&self) -> &[u8] {
        &self.start[..START.min(self.length as usize)]
    }

    /// All of it, where it is short.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (self.length as usize <= START).then(|| self.start())
    }

    /// Its length in bytes.
    pub(super) fn length(&self) -> u32 {
        self.length
    }

    /// A hash of it.
    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}
