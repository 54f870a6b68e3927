//! MySQL's packets on hostile input: a failure has a code, and a greeting is nobody's answer.
#![no_main]

use fuzz::{
    exchange,
    protocol::{self, Protocol, mysql},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    exchange(Protocol::Mysql, bytes);
    if let Some(answer) = mysql::answer(bytes) {
        assert_eq!(answer.failed, answer.status.is_some());
        assert!(!answer.failed || bytes.contains(&0xff));
    }
    if protocol::greeting(bytes) == Protocol::Mysql {
        assert_eq!(bytes[3], 0);
        assert!(matches!(bytes[4], 10 | 0xff));
    }
});
