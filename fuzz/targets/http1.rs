//! HTTP/1 on hostile input: a status has three digits, and a request that is all there stays one
//! whatever follows.
#![no_main]

use fuzz::{
    exchange,
    protocol::{Protocol, http1},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    exchange(Protocol::Http1, bytes);
    if let Some(answer) = http1::answer(bytes) {
        assert!(answer.status.is_some_and(|it| it < 1_000));
        assert_eq!(http1::answer(&bytes[..12]), Some(answer));
    }
    if bytes.contains(&b'\n') {
        let longer = [bytes, b"Host: shop\r\n"].concat();
        assert_eq!(http1::is_request(&longer), http1::is_request(bytes));
    }
});
