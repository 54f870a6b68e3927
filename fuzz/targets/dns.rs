//! DNS answers on hostile input: what an application is told is as long as the message allows.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../probe-user/src/protocol/dns.rs"]
mod dns;

fuzz_target!(|bytes: &[u8]| {
    if let Some(told) = dns::told(bytes) {
        assert!(!told.addresses.is_empty());
        // An address takes a record of fourteen bytes at least.
        assert!(told.addresses.len() <= bytes.len() / 14);
    }
});
