//! A ClientHello as OpenSSL sends it, whole, cut and spoilt; records.

use super::*;

/// OpenSSL 3.0's, for TLS 1.2, one cipher suite and `payments.shop`.
const NAMED: &str = "16030100990100009503031e1284ef53bfdc2f96406606ad8dbcdc70896efb0c11c46725201f\
    1b5f46fcd0000004c02f00ff0100006800000012001000000d7061796d656e74732e73686f70000b000403000102\
    000a000c000a001d0017001e00190018002300000016000000170000000d002a0028040305030603080708080809\
    080a080b080408050806040105010601030303010302040205020602";
/// Where the name begins in it.
const NAME: usize = 63;

fn named() -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&NAMED[at..at + 2], 16).unwrap();
    (0..NAMED.len()).step_by(2).map(digit).collect()
}

#[test]
fn the_server_is_named() {
    let hello = named();
    assert!(is_client_hello(&hello));
    assert_eq!(server_name(&hello).as_deref(), Some("payments.shop"));
    let mut upper = hello.clone();
    upper[NAME..NAME + 8].make_ascii_uppercase();
    assert_eq!(server_name(&upper).as_deref(), Some("payments.shop"));
}

#[test]
fn a_name_that_is_not_all_there_is_none() {
    let hello = named();
    let end = NAME + "payments.shop".len();
    for length in 0..=hello.len() {
        let name = server_name(&hello[..length]);
        assert_eq!(name.is_some(), length >= end, "{length} bytes");
    }
}

#[test]
fn what_cannot_be_a_name_is_none() {
    for (at, byte) in [
        (NAME, b' '),
        (NAME, 0),
        (NAME, 0xc3),
        // Another kind of name, another extension, another message.
        (NAME - 3, 1),
        (NAME - 9, 0x7f),
        (5, 2),
    ] {
        let mut hello = named();
        hello[at] = byte;
        assert_eq!(server_name(&hello), None, "{byte} at {at}");
    }
}

#[test]
fn records_tell_what_is_whose() {
    let kind = |bytes: &[u8]| request(bytes).kind;
    assert_eq!(kind(&named()), Kind::Handshake);
    assert_eq!(
        kind(b"\x14\x03\x03\0\x01\x01\x17\x03\x03\0\x35"),
        Kind::Handshake
    );
    assert_eq!(kind(b"\x17\x03\x03\0\x60data"), Kind::Call);
    assert_eq!(kind(b"\x15\x03\x03\0\x1aalert"), Kind::OneWay);
    let close_notify = [b"\x17\x03\x03\0\x13".as_slice(), &[7; 19]].concat();
    assert_eq!(kind(&close_notify), Kind::OneWay);
    let more = [&close_notify[..], b"\x17\x03\x03\0\x60data"].concat();
    assert_eq!(kind(&more), Kind::Call, "more comes behind it");
}

#[test]
fn a_server_that_refuses_tells_why() {
    let read = |bytes: &[u8]| answer(bytes).map(|it| (it.status, it.failed));
    let handshake_failure = b"\x15\x03\x03\0\x02\x02\x28";
    assert_eq!(read(handshake_failure), Some((Some(40), true)));
    let server_hello = b"\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03random";
    assert_eq!(read(server_hello), Some((None, false)));
    assert_eq!(read(b"HTTP/1.1 400 Bad Request\r\n"), None);
}

#[test]
fn what_only_looks_like_a_hello_is_none() {
    for bytes in [
        &b""[..],
        b"\x16\x03\x01",
        b"\x16\x03\x01\0\0\x01\0\0\x95",
        b"\x16\x03\x09\0\x99\x01\0\0\x95",
        b"\x16\x02\x01\0\x99\x01\0\0\x95",
        b"\x16\x03\x01\xff\xff\x01\0\0\x95",
        b"\x16\x03\x01\0\x99\x01\0\0\x05",
        b"\x17\x03\x01\0\x99\x01\0\0\x95",
    ] {
        assert!(!is_client_hello(bytes), "{bytes:?}");
    }
}
