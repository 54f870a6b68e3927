//! Names that come late: what DNS answers call an address.

use std::net::IpAddr;

use super::Model;

impl Model {
    /// Takes in that somebody was told an address for a name, which holds until then on
    /// CLOCK_MONOTONIC.
    pub fn learn(&mut self, address: IpAddr, name: &str, until_ns: u64) {
        let address = address.to_canonical();
        self.names.learn(address, name, self.now_ns, until_ns);
    }
}
