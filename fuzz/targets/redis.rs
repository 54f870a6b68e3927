//! RESP on hostile input: what is a command stays one however long it is.
#![no_main]

use fuzz::{
    exchange,
    protocol::{Protocol, redis},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((request, answer)) = exchange(Protocol::Redis, bytes) {
        assert!(answer.status.is_none() || request.protocol == Protocol::Tls);
    }
    if redis::is_request(bytes) {
        assert_eq!(bytes[0], b'*');
        assert!(
            redis::answer(bytes).is_some(),
            "an array is an answer as well"
        );
    }
    if let Some(answer) = redis::answer(bytes) {
        assert!(!answer.failed || matches!(bytes[0], b'-' | b'!'));
    }
});
