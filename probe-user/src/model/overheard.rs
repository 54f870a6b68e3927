//! What DNS servers answered: the names by which addresses were looked up.

use super::Model;
use crate::protocol::dns;

impl Model {
    /// Takes in a DNS message that an application was answered with.
    pub(super) fn overhear(&mut self, message: &[u8], at_ns: u64) {
        let Some(told) = dns::told(message) else {
            return;
        };
        let until_ns = at_ns.saturating_add(u64::from(told.ttl_s) * 1_000_000_000);
        for address in told.addresses {
            self.learn(address, &told.name, until_ns);
        }
    }
}
