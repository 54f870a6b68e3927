//! Names that come late: a dependency first seen by its address gets the name that is learnt for
//! it, and is one with another of that name.

use std::net::IpAddr;

use super::{Model, PartyIndex, names::Name, party::remote_of};

impl Model {
    /// Takes in that somebody was told an address for a name, which holds until then on
    /// CLOCK_MONOTONIC.
    pub fn learn(&mut self, address: IpAddr, name: &str, until_ns: u64) {
        if !self.names.learn(address, name, self.now_ns, until_ns) {
            return;
        }
        let address = address.to_canonical();
        let mut index = 0;
        while index < self.dependencies.len() {
            let count = self.dependencies.len();
            let mut remotes = self.dependencies[index].peers.iter().map(remote_of);
            if remotes.any(|remote| remote.ip() == address) {
                self.name_anew(index);
            }
            // Where it became one with another, the next one is in its place.
            index += usize::from(self.dependencies.len() == count);
        }
    }

    /// Gives a dependency the best name there is by now; where it is then the same as another,
    /// they become one. Gives the place it has after that.
    pub(super) fn name_anew(&mut self, index: usize) -> PartyIndex {
        let it = &self.dependencies[index];
        let server_name = it.party.server_name.as_deref();
        let name = self.names.of(it.remote, server_name);
        if name.source >= it.named {
            return PartyIndex::Dependency(index);
        }
        PartyIndex::Dependency(self.rename(index, name))
    }

    fn rename(&mut self, index: usize, name: Name) -> usize {
        let peer = self.dependencies[index].peers.first().copied();
        let same =
            self.dependencies.iter().enumerate().position(|(n, other)| {
                n != index && peer.is_some_and(|peer| other.is(&peer, &name))
            });
        let Some(into) = same else {
            let it = &mut self.dependencies[index];
            (it.name, it.named) = (name.text, name.source);
            return index;
        };
        let gone = self.dependencies.remove(index);
        let moved = |at: usize| at - usize::from(at > index);
        let into = moved(into);
        self.dependencies[into].absorb(gone);
        for party in self.parties.values_mut().flatten() {
            if let PartyIndex::Dependency(at) = party {
                *at = if *at == index { into } else { moved(*at) };
            }
        }
        into
    }
}

#[cfg(test)]
mod tests;
