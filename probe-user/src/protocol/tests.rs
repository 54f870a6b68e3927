//! All protocols together: none takes another's bytes for its own, and none minds what it is given.

use probe_common::random::mix;

use super::*;

/// Requests that can be told by themselves, and whose they are.
const SURE: [(Protocol, &[u8]); 12] = [
    (
        Protocol::Http1,
        b"GET /cart/7 HTTP/1.1\r\nHost: shop\r\n\r\n",
    ),
    (Protocol::Http1, b"PURGE /cart HTTP/1.0\r\n\r\n"),
    (
        Protocol::Http2,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0",
    ),
    (Protocol::Redis, b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"),
    (Protocol::Redis, b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"),
    (
        Protocol::Postgres,
        b"\0\0\0\x24\0\x03\0\0user\0alice\0database\0shop\0\0",
    ),
    (Protocol::Postgres, b"\0\0\0\x08\x04\xd2\x16\x2f"),
    (Protocol::Postgres, b"X\0\0\0\x04"),
    (
        Protocol::Dns,
        b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04shop\0\0\x01\0\x01",
    ),
    (
        Protocol::Dns,
        b"\0\x16\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04shop\0\0\x01\0\x01",
    ),
    (Protocol::Tls, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"),
    (Protocol::Tls, b"\x16\x03\x01\0\x99\x01\0\0\x95\x03\x03"),
];

/// Requests that could be something else, with answers that settle it.
const TOGETHER: [(Protocol, &[u8], &[u8]); 5] = [
    (Protocol::Redis, b"PING\r\n", b"+PONG\r\n"),
    (
        Protocol::Postgres,
        b"Q\0\0\0\x0dSELECT 1\0",
        b"T\0\0\0\x21\0\x01?column?\0",
    ),
    (
        Protocol::Mysql,
        b"\x09\0\0\0\x03SELECT 1",
        b"\x01\0\0\x01\x01\x17\0\0\x02\x03def",
    ),
    (
        Protocol::Http1,
        b"X-MAS\xc3 /tree\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
    ),
    (
        Protocol::Tls,
        b"\x80\x2e\x01\x03\x01",
        b"\x15\x03\x01\0\x02\x02\x46",
    ),
];

/// What other protocols say, of which this program knows nothing.
const STRANGERS: [(&[u8], &[u8]); 10] = [
    (
        b"EHLO client.shop\r\n",
        b"250-mail.shop\r\n250 PIPELINING\r\n",
    ),
    (b"QUIT\r\n", b"+OK bye\r\n"),
    (b"a1 LOGIN alice secret\r\n", b"a1 OK LOGIN completed\r\n"),
    (b"get key\r\n", b"VALUE key 0 1\r\n1\r\nEND\r\n"),
    (b"PING\r\n", b"PONG\r\n"),
    (b"SSH-2.0-OpenSSH_9.2p1\r\n", b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    // MongoDB, Kafka, AMQP, MQTT.
    (
        b"\x3f\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0",
        b"\x26\0\0\0\x09\0\0\0\x01\0\0\0\xdd\x07\0\0",
    ),
    (
        b"\0\0\0\x1b\0\x12\0\x03\0\0\0\x01\0\x07console",
        b"\0\0\x01\x36\0\0\0\x01\0\0\0\0",
    ),
    (
        b"AMQP\0\0\x09\x01",
        b"\x01\0\0\0\0\x01\xe4\0\x0a\0\x0a\0\x09",
    ),
    (
        b"\x10\x12\0\x04MQTT\x04\x02\0\x3c\0\x06client",
        b"\x20\x02\0\0",
    ),
];

const ALL: [Protocol; 9] = [
    Protocol::Unknown,
    Protocol::Http1,
    Protocol::Http2,
    Protocol::Grpc,
    Protocol::Redis,
    Protocol::Postgres,
    Protocol::Mysql,
    Protocol::Dns,
    Protocol::Tls,
];

#[test]
fn requests_are_told_by_themselves() {
    for (protocol, bytes) in SURE {
        assert_eq!(
            request(Protocol::Unknown, bytes).protocol,
            protocol,
            "{bytes:?}"
        );
    }
}

#[test]
fn nobody_takes_anothers_request_for_its_own() {
    for (protocol, bytes) in SURE {
        for length in 0..=bytes.len() {
            let read = request(Protocol::Unknown, &bytes[..length]).protocol;
            let is_right = read == protocol || read == Protocol::Unknown;
            assert!(is_right, "{length} of {bytes:?}: {read:?}");
            assert!(claims(&bytes[..length]) <= 1);
        }
    }
}

/// How many protocols are sure that this is theirs.
fn claims(bytes: &[u8]) -> usize {
    [
        tls::is_client_hello(bytes),
        http2::is_preface(bytes),
        http1::is_request(bytes),
        redis::is_request(bytes),
        postgres::is_first_request(bytes),
        dns::is_question(bytes),
    ]
    .into_iter()
    .filter(|it| *it)
    .count()
}

#[test]
fn some_requests_are_told_by_their_answers() {
    for (protocol, asked, answered) in TOGETHER {
        assert_eq!(
            request(Protocol::Unknown, asked).protocol,
            Protocol::Unknown
        );
        let (asked, answered) = exchange(Protocol::Unknown, asked, answered);
        assert_eq!(asked.protocol, protocol);
        assert_eq!(answered.protocol, protocol);
    }
}

#[test]
fn strangers_stay_unknown() {
    for (asked, answered) in STRANGERS {
        let (asked, answered) = exchange(Protocol::Unknown, asked, answered);
        assert_eq!(asked.protocol, Protocol::Unknown);
        let unknown = Answer {
            protocol: Protocol::Unknown,
            status: None,
            failed: false,
        };
        assert_eq!(answered, unknown);
        assert_eq!(asked.kind, Kind::Call);
    }
}

#[test]
fn an_echo_is_nobodys_answer() {
    let requests = TOGETHER.map(|(_, asked, _)| asked);
    let sent = [b"S\0\0\0\x04", b"C\0\0\0\x07S12\0".as_slice()];
    for asked in requests.into_iter().chain(sent) {
        let (echoed, _) = exchange(Protocol::Unknown, asked, asked);
        assert_eq!(echoed.protocol, Protocol::Unknown, "{asked:?}");
    }
}

#[test]
fn a_connection_may_turn_to_tls() {
    let (_, hello) = SURE[11];
    for known in ALL {
        let read = request(known, hello);
        assert_eq!((read.protocol, read.kind), (Protocol::Tls, Kind::Handshake));
    }
}

#[test]
fn what_was_known_stays_known() {
    for known in ALL {
        let read = request(known, b"\xde\xad\xbe\xef");
        assert_eq!(read.protocol, known);
        assert_eq!(answer(known, b"\xde\xad\xbe\xef").protocol, known);
    }
}

#[test]
fn servers_are_told_by_their_greeting() {
    let mysql = b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0\x01\x02\x03";
    assert_eq!(greeting(mysql), Protocol::Mysql);
    let busy = b"-ERR max number of clients reached\r\n";
    assert_eq!(greeting(busy), Protocol::Redis);
    for other in [
        &b"220 mail.shop ESMTP\r\n"[..],
        b"+OK POP3 ready\r\n",
        b"",
        b"SSH-2.0-x\r\n",
    ] {
        assert_eq!(greeting(other), Protocol::Unknown);
    }
}

#[test]
fn a_statement_closed_before_the_next_one_is_that_ones_call() {
    let close = b"\x05\0\0\0\x19\x01\0\0\0";
    assert_eq!(request(Protocol::Mysql, close).kind, Kind::OneWay);
    let ok = b"\x07\0\0\x01\0\0\0\x02\0\0\0";
    let (asked, _) = exchange(Protocol::Mysql, close, ok);
    assert_eq!(asked.kind, Kind::Call);
}

/// Samples with some of their bytes made others, cut or joined: 200,000 in all.
#[test]
fn nobody_minds_what_it_is_given() {
    let samples = SURE.map(|(_, bytes)| bytes).into_iter();
    let samples = samples.chain(
        TOGETHER
            .iter()
            .flat_map(|(_, asked, answered)| [*asked, *answered]),
    );
    let samples: Vec<&[u8]> = samples.collect();
    let mut seed = 1;
    let mut draw = move |bound: usize| {
        seed = mix(seed);
        seed as usize % bound
    };
    for _ in 0..100_000 {
        let mut pair = [0, 1].map(|_| samples[draw(samples.len())].to_vec());
        for bytes in &mut pair {
            for _ in 0..draw(4) {
                let at = draw(bytes.len());
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'\r', b'9', b'$'][draw(8)];
            }
            bytes.truncate(1 + draw(bytes.len()));
        }
        let [asked, answered] = pair;
        assert!(claims(&asked) <= 1, "{asked:?}");
        let known = ALL[draw(ALL.len())];
        let (request, answer) = exchange(known, &asked, &answered);
        assert_eq!(request, exchange(known, &asked, &answered).0);
        assert!(!answer.failed || answer.protocol != Protocol::Unknown);
        tls::server_name(&asked);
        greeting(&answered);
    }
}
