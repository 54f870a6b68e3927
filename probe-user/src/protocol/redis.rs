//! Redis: RESP 2 and 3. Every command is answered, so every command is a call, those with which
//! clients introduce themselves included: that is how the server counts.

use super::{Answer, Kind, Protocol, Request, fingerprint};

/// Commands that are believed where they are typed as a line of text. None of them is also
/// POP3's, whose answers look alike.
const INLINE: [&[u8]; 17] = [
    b"PING", b"ECHO", b"GET", b"SET", b"DEL", b"EXISTS", b"EXPIRE", b"TTL", b"INCR", b"DECR",
    b"MGET", b"MSET", b"LPUSH", b"INFO", b"CONFIG", b"CLIENT", b"SELECT",
];

/// Whether a command begins here: an array of bulk strings.
pub fn is_request(prefix: &[u8]) -> bool {
    command(prefix).is_some()
}

/// Reads a request.
pub fn request(prefix: &[u8]) -> Request {
    let is_acknowledgement = command(prefix).is_some_and(|(name, rest)| {
        name.eq_ignore_ascii_case(b"REPLCONF")
            && rest
                .get(..7)
                .is_some_and(|it| it.eq_ignore_ascii_case(b"$3\r\nACK"))
    });
    Request {
        protocol: Protocol::Redis,
        // A replica tells how far it got; nobody answers.
        kind: if is_acknowledgement {
            Kind::OneWay
        } else {
            Kind::Call
        },
        fingerprint: fingerprint::of(prefix),
    }
}

/// Reads an answer; `None` where it isn't one.
///
/// An error is a failed call, but for those that only say where to ask instead (a cluster's
/// MOVED and ASK). Of a pipeline's answers the first speaks for all.
pub fn answer(prefix: &[u8]) -> Option<Answer> {
    if !is_answer(prefix) {
        return None;
    }
    let failed = match prefix {
        [b'-', text @ ..] => !(text.starts_with(b"MOVED ") || text.starts_with(b"ASK ")),
        [first, ..] => *first == b'!',
        [] => false,
    };
    Some(Answer {
        protocol: Protocol::Redis,
        status: None,
        failed,
    })
}

/// Whether a line of text is a command, going by what answers it.
pub(super) fn fits(request: &[u8], answer: &[u8]) -> bool {
    let Some(line) = request.strip_suffix(b"\r\n") else {
        return false;
    };
    let is_text = line.iter().all(|byte| (b' '..0x7f).contains(byte));
    let name = line.split(|&byte| byte == b' ').next().unwrap_or(line);
    let is_command = INLINE.iter().any(|it| it.eq_ignore_ascii_case(name));
    is_text && is_command && is_answer(answer)
}

/// Whether a server says at once that it won't have this caller.
pub(super) fn is_turned_away(prefix: &[u8]) -> bool {
    prefix.starts_with(b"-ERR max number of clients reached")
        || prefix.starts_with(b"-DENIED Redis is running in protected mode")
}

/// The command's name, and what follows it.
fn command(prefix: &[u8]) -> Option<(&[u8], &[u8])> {
    let (elements, rest) = number(prefix.strip_prefix(b"*")?)?;
    let (length, rest) = number(rest.strip_prefix(b"$")?)?;
    if elements == 0 || length == 0 {
        return None;
    }
    let name = &rest[..rest.len().min(length)];
    let rest = rest.get(length..).unwrap_or_default();
    let is_ended = rest.is_empty() || rest.starts_with(b"\r\n") || rest == b"\r";
    let is_name = name.iter().all(u8::is_ascii_graphic);
    (is_name && is_ended).then(|| (name, rest.get(2..).unwrap_or_default()))
}

/// Whether an answer begins here: its type, and what has to follow that.
fn is_answer(prefix: &[u8]) -> bool {
    let Some((kind, rest)) = prefix.split_first() else {
        return false;
    };
    let line = rest.split(|&byte| byte == b'\r').next().unwrap_or(rest);
    match kind {
        b'+' | b'-' => line.iter().all(|byte| (b' '..0x7f).contains(byte)),
        b':' | b'(' => number(unsigned(rest)).is_some(),
        b'$' | b'*' => rest.starts_with(b"-1\r\n") || number(rest).is_some(),
        b'!' | b'=' | b'%' | b'~' | b'>' | b'|' => number(rest).is_some(),
        b'_' => rest.starts_with(b"\r\n"),
        b'#' => rest.starts_with(b"t\r\n") || rest.starts_with(b"f\r\n"),
        b',' => line
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"+-.eEinfa".contains(byte)),
        _ => false,
    }
}

fn unsigned(number: &[u8]) -> &[u8] {
    number
        .strip_prefix(b"-")
        .or_else(|| number.strip_prefix(b"+"))
        .unwrap_or(number)
}

/// A number and what follows the end of its line.
fn number(text: &[u8]) -> Option<(usize, &[u8])> {
    let digits = text.iter().take_while(|it| it.is_ascii_digit()).count();
    let rest = text[digits..].strip_prefix(b"\r\n")?;
    if digits == 0 {
        return None;
    }
    // Longer ones are integers of an answer's, of which only the shape matters.
    let value = text[..digits].iter().fold(0_usize, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(usize::from(digit - b'0'))
    });
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_recognised_cut_short_or_not() {
        let command = b"*3\r\n$3\r\nSET\r\n$5\r\nhello\r\n$5\r\nworld\r\n";
        for length in 8..=command.len() {
            assert!(is_request(&command[..length]), "{length}");
        }
        for text in [
            "*1\r\n",
            "*0\r\n$3\r\nGET\r\n",
            "*1\r\n$3\r\nGETS\r\n",
            "PING\r\n",
            "*x\r\n",
        ] {
            assert!(!is_request(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn only_a_replica_expects_nothing() {
        let kind = |text: &[u8]| request(text).kind;
        assert_eq!(kind(b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"), Kind::Call);
        assert_eq!(
            kind(b"*3\r\n$8\r\nreplconf\r\n$3\r\nack\r\n$2\r\n14\r\n"),
            Kind::OneWay
        );
        assert_eq!(
            kind(b"*3\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n"),
            Kind::Call
        );
    }

    #[test]
    fn errors_are_failures_and_redirections_are_not() {
        let failed = |text: &[u8]| answer(text).map(|it| it.failed);
        for text in [
            "+OK\r\n", ":-7\r\n", "$-1\r\n", "*0\r\n", "_\r\n", "%1\r\n", ",1.5\r\n",
        ] {
            assert_eq!(failed(text.as_bytes()), Some(false), "{text}");
        }
        assert_eq!(failed(b"$9000\r\nthe beginning of"), Some(false));
        assert_eq!(failed(b"#t\r\n"), Some(false));
        assert_eq!(failed(b"-ERR unknown command\r\n"), Some(true));
        assert_eq!(failed(b"-WRONGTYPE Operation against"), Some(true));
        assert_eq!(failed(b"!21\r\nSYNTAX invalid syntax"), Some(true));
        assert_eq!(failed(b"-MOVED 3999 127.0.0.1:6381\r\n"), Some(false));
        assert_eq!(failed(b"-ASK 3999 127.0.0.1:6381\r\n"), Some(false));
        for text in [
            "",
            "OK\r\n",
            "$\r\n",
            ":x\r\n",
            "VALUE k 0 1\r\n",
            "$-2\r\n",
        ] {
            assert_eq!(failed(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn typed_commands_need_an_answer_that_fits() {
        assert!(fits(b"PING\r\n", b"+PONG\r\n"));
        assert!(fits(b"get key\r\n", b"$-1\r\n"));
        assert!(
            !fits(b"get key\r\n", b"VALUE key 0 1\r\n1\r\nEND\r\n"),
            "memcached"
        );
        assert!(!fits(b"QUIT\r\n", b"+OK\r\n"), "POP3");
        assert!(!fits(b"PING\r\n", b"PONG\r\n"), "NATS");
        assert!(!fits(b"PING", b"+PONG\r\n"));
    }
}
