//! What a connection speaks, out of hostile input: at most one protocol is sure of it, and what is
//! found out stays so.
#![no_main]

use fuzz::{
    halves,
    protocol::{self, Protocol, dns, http1, http2, postgres, redis, tls},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((asked, answered)) = halves(bytes) else {
        return;
    };
    let claims = [
        (tls::is_client_hello(asked), Protocol::Tls),
        (http2::is_preface(asked), Protocol::Http2),
        (http1::is_request(asked), Protocol::Http1),
        (redis::is_request(asked), Protocol::Redis),
        (postgres::is_first_request(asked), Protocol::Postgres),
        (dns::is_question(asked), Protocol::Dns),
    ];
    let mut sure = claims.iter().filter(|(is_sure, _)| *is_sure);
    let request = protocol::request(Protocol::Unknown, asked);
    let claimed = sure.next().map_or(Protocol::Unknown, |(_, it)| *it);
    assert_eq!(request.protocol, claimed);
    assert_eq!(sure.next(), None, "two protocols claim it");
    let (together, answer) = protocol::exchange(Protocol::Unknown, asked, answered);
    assert_eq!(together.protocol, answer.protocol);
    assert!(claimed == Protocol::Unknown || together.protocol == claimed);
    assert!(!answer.failed || answer.protocol != Protocol::Unknown);
    let again = protocol::exchange(together.protocol, asked, answered);
    assert_eq!(again.0.protocol, together.protocol);
    assert_eq!(again.1, answer);
    protocol::greeting(answered);
});
