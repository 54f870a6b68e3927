//! Turns the list of what no fault touches into entries of the kernel's maps.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use probe_common::{
    address::protocol,
    protect::{
        MAX_PROTECTED, MAX_PROTECTED_SHAPES, ProtectHeader, ProtectedKey, kind, place, port,
    },
    rule::EndpointKey,
};

use super::NeverFaulted;
use crate::mistake::Mistake;
use crate::plan::encode::{address, encode_endpoint};
use crate::plan::{Endpoint, Protocol};

/// Map entries of one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// What holds for the list as a whole.
    pub header: ProtectHeader,
    /// Words of the port map that aren't zero.
    pub ports: BTreeMap<u32, u32>,
    /// Endpoints and connections.
    pub keys: BTreeSet<ProtectedKey>,
}

/// Encodes a list.
///
/// # Errors
/// Where it has more of something than the maps hold.
pub fn encode(list: &NeverFaulted) -> Result<Encoded, Mistake> {
    let mut encoded = Encoded::default();
    let header = &mut encoded.header;
    if !list.neighbour_discovery {
        header.faultable |= kind::NEIGHBOUR_DISCOVERY;
    }
    if !list.dhcp {
        header.faultable |= kind::DHCP;
    }
    for &ssh in &list.login.ports {
        encoded.mark(ssh, port::PROTECTED);
    }
    for connection in &list.login.connections {
        let (near, far) = (end(connection.near), end(connection.far));
        // Whichever port is less used would do; both is as right, and the far one is the
        // client's.
        encoded.mark(far.port, port::LOOK);
        for (from, to) in [(near, far), (far, near)] {
            encoded.keys.insert(ProtectedKey { from, to });
        }
    }
    for endpoint in &list.endpoints {
        encoded.add(endpoint)?;
    }
    if encoded.keys.len() > MAX_PROTECTED as usize {
        return Err(Mistake::new(format!(
            "never-fault list: {} endpoints and connections, at most {MAX_PROTECTED} fit",
            encoded.keys.len()
        ))
        .hint("protect a network as one, as --protect 10.0.0.0/24"));
    }
    Ok(encoded)
}

impl Encoded {
    fn mark(&mut self, at: u16, bits: u32) {
        let (word, shift) = place(at);
        *self.ports.entry(word).or_default() |= bits << shift;
    }

    fn add(&mut self, endpoint: &Endpoint) -> Result<(), Mistake> {
        match (endpoint.address, endpoint.port) {
            (None, Some(port)) => {
                self.mark(port, port::PROTECTED);
                return Ok(());
            }
            (_, Some(port)) => self.mark(port, port::LOOK),
            (_, None) => self.header.look_always = 1,
        }
        let (shape, from) = encode_endpoint(endpoint, Protocol::Any);
        let count = self.header.shape_count as usize;
        if !self.header.shapes[..count].contains(&shape) {
            let Some(free) = self.header.shapes.get_mut(count) else {
                return Err(Mistake::new(format!(
                    "never-fault list: endpoints of more than {MAX_PROTECTED_SHAPES} kinds (prefix \
                     length, with or without port)"
                ))
                .hint("write prefixes of one length, or all with a port"));
            };
            *free = shape;
            self.header.shape_count += 1;
        }
        let to = EndpointKey::default();
        self.keys.insert(ProtectedKey { from, to });
        Ok(())
    }
}

fn end(end: SocketAddr) -> EndpointKey {
    EndpointKey {
        address: address(end.ip()),
        port: end.port(),
        protocol: protocol::TCP,
        pad: 0,
    }
}
