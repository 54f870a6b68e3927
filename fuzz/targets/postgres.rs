//! PostgreSQL's messages on hostile input: a failure has an ErrorResponse in it, and more bytes
//! don't take it back.
#![no_main]

use fuzz::{
    exchange,
    protocol::{Protocol, postgres},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    exchange(Protocol::Postgres, bytes);
    let failed = |bytes: &[u8]| postgres::answer(bytes).is_some_and(|it| it.failed);
    if failed(bytes) {
        assert!(bytes.contains(&b'E'));
        assert!(failed(&[bytes, b"Z\0\0\0\x05I"].concat()));
    }
    if postgres::is_first_request(bytes) {
        assert!(bytes.len() >= 5 && (bytes[0] == 0 || bytes == b"X\0\0\0\x04"));
    }
});
