//! Where a fault is tried: over a wire between two namespaces, or on `lo` of one.

use std::net::{IpAddr, SocketAddr};

use crate::{Family, Netns, Pair};

/// Who calls whom.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Where the caller is, and where faults are injected.
    pub near: &'a Netns,
    /// Where who is called is.
    pub far: &'a Netns,
    /// The address that is called.
    pub address: IpAddr,
}

impl<'a> Place<'a> {
    /// Over the wire and on `lo`, in both families.
    pub fn all(pair: &'a Pair) -> [Self; 4] {
        let wire = |family| Self {
            near: &pair.near,
            far: &pair.far,
            address: pair.far_address(family),
        };
        let lo = |family: Family| Self {
            near: &pair.near,
            far: &pair.near,
            address: family.loopback(),
        };
        [
            wire(Family::V4),
            wire(Family::V6),
            lo(Family::V4),
            lo(Family::V6),
        ]
    }

    /// A port of who is called.
    pub fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, port)
    }
}
