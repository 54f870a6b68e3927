//! TLS records and ClientHellos on hostile input: a name is a name, and is in there.
#![no_main]

use fuzz::{
    exchange,
    protocol::{Protocol, tls},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    exchange(Protocol::Tls, bytes);
    if let Some(name) = tls::server_name(bytes) {
        assert!(tls::is_client_hello(bytes));
        assert!((1..=253).contains(&name.len()));
        assert!(!name.contains(|it: char| it.is_ascii_uppercase() || it.is_ascii_control()));
        let is_it = |window: &[u8]| window.eq_ignore_ascii_case(name.as_bytes());
        assert!(bytes.windows(name.len()).any(is_it));
        let longer = [bytes, &[0x16; 8]].concat();
        assert_eq!(tls::server_name(&longer), Some(name));
    }
});
