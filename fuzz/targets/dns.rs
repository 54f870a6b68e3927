//! DNS on hostile input: what an application is told is as long as the message allows, and the
//! length that TCP puts before a message changes nothing.
#![no_main]

use fuzz::{
    exchange,
    protocol::{Protocol, dns},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(told) = dns::told(bytes) {
        assert!(!told.addresses.is_empty());
        // An address takes a record of fourteen bytes at least.
        assert!(told.addresses.len() <= bytes.len() / 14);
        assert!(dns::answer(bytes).is_none_or(|it| it.status == Some(0)));
    }
    exchange(Protocol::Dns, bytes);
    let counted = [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    // As it is over UDP: with a length before it, the flags would be here, and they can't be 1.
    let is_bare = bytes.get(4..6) == Some(&[0, 1]);
    if dns::is_question(bytes) && is_bare {
        assert!(dns::is_question(&counted));
        assert_eq!(dns::request(&counted), dns::request(bytes));
        let mut another_try = bytes.to_vec();
        another_try[0] ^= 0x5a;
        assert_eq!(dns::request(&another_try), dns::request(bytes));
    }
    if let Some(answer) = dns::answer(bytes) {
        assert!(answer.status.is_some_and(|it| it < 16));
    }
});
