//! DNS answers that the kernel programs overheard in a namespace, until somebody asks for them.

use std::fmt;

use anyhow::Result;
use aya::{
    Ebpf,
    maps::{MapData, RingBuf},
};
use probe_common::{names::map, overheard::DnsMessage};

use super::object::take_map;

/// Where they come out of the kernel.
pub struct Overheard(RingBuf<MapData>);

impl Overheard {
    /// Takes the ring of a loaded object.
    ///
    /// # Errors
    /// Where it is taken already.
    pub fn take(ebpf: &mut Ebpf) -> Result<Self> {
        Ok(Self(take_map(ebpf, map::OVERHEARD)?.try_into()?))
    }

    /// Those that came by since the last time.
    pub fn messages(&mut self) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        while let Some(item) = self.0.next() {
            messages.extend(DnsMessage::decode(&item).map(<[u8]>::to_vec));
        }
        messages
    }
}

impl fmt::Debug for Overheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overheard").finish_non_exhaustive()
    }
}
