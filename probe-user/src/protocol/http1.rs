//! HTTP/1.x (RFC 9112): the request line and the status line.

use super::{Answer, Kind, Protocol, Request, fingerprint};

/// Methods that are believed where the line's end, with the version, lies beyond what is there:
/// RFC 9110's, PATCH, and WebDAV's.
const METHODS: [&[u8]; 16] = [
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
];

/// Whether a request begins here, with whatever method.
pub fn is_request(prefix: &[u8]) -> bool {
    let mut line = prefix.splitn(2, |&byte| byte == b'\r' || byte == b'\n');
    let (Some(first), rest) = (line.next(), line.next()) else {
        return false;
    };
    let mut words = first.splitn(3, |&byte| byte == b' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return false;
    };
    let version = words.next();
    let is_whole = rest.is_some();
    if method.is_empty() || !method.iter().all(is_token) || !target.iter().all(is_visible) {
        return false;
    }
    match version {
        Some(b"HTTP/1.0" | b"HTTP/1.1") => !target.is_empty(),
        // Cut within the version, or within the target.
        Some(version) if !is_whole => {
            b"HTTP/1.".starts_with(version) && is_plain(method, target) && !target.is_empty()
        }
        None if !is_whole => is_plain(method, target),
        _ => false,
    }
}

/// Reads a request.
pub fn request(prefix: &[u8]) -> Request {
    Request {
        protocol: Protocol::Http1,
        kind: Kind::Call,
        fingerprint: fingerprint::of_line(prefix),
    }
}

/// Reads an answer's status line; `None` where it isn't one.
///
/// Failed are the statuses that say that the server couldn't (500 and above) or wouldn't now
/// (429). Other refusals are the caller's doing, and an answer to it.
pub fn answer(prefix: &[u8]) -> Option<Answer> {
    let rest = prefix.strip_prefix(b"HTTP/1.")?;
    let [b'0' | b'1', b' ', a, b, c, ..] = rest else {
        return None;
    };
    let status = status(&[*a, *b, *c])?;
    Some(Answer {
        protocol: Protocol::Http1,
        status: Some(status),
        failed: failed(status),
    })
}

/// A status in three digits.
pub(super) fn status(digits: &[u8]) -> Option<u16> {
    let [a, b, c] = digits else {
        return None;
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    Some(digit(a)? * 100 + digit(b)? * 10 + digit(c)?)
}

/// Whether a status says that the call failed.
pub(super) fn failed(status: u16) -> bool {
    status >= 500 || status == 429
}

/// Whether this is a method and a target (RFC 9112, 3.2) without their version.
fn is_plain(method: &[u8], target: &[u8]) -> bool {
    METHODS.contains(&method)
        && match target {
            [b'/', ..] | b"*" => true,
            [] => false,
            // An authority's port comes at its end, which may be cut off.
            _ if method == b"CONNECT" => target[0].is_ascii_alphanumeric() || target[0] == b'[',
            _ => target.starts_with(b"http://") || target.starts_with(b"https://"),
        }
}

/// What methods are made of (RFC 9110, 5.6.2).
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

fn is_visible(byte: &u8) -> bool {
    *byte > b' ' && *byte != 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines_are_recognised() {
        for text in [
            "GET / HTTP/1.1\r\nHost: x\r\n",
            "GET / HTTP/1.0\n",
            "PURGE /cache/7 HTTP/1.1\r\n",
            "M-SEARCH * HTTP/1.1\r\n",
            "OPTIONS * HTTP/1.1\r\n",
            "CONNECT api.shop:443 HTTP/1.1\r\n",
            "GET http://shop/a?b=c HTTP/1.1\r\n",
            "POST /a/long/path/that/does/not/end",
            "POST /cut/in/the/version HTT",
            "POST /cut/behind/the/version HTTP/1.1",
            "CONNECT api.shop:4",
        ] {
            assert!(is_request(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_request_line_is_not_recognised() {
        for text in [
            "",
            "GET",
            "GET ",
            "GET key",
            "GET key\r\n",
            "GET  / HTTP/1.1\r\n",
            "PURGE /is/it/http",
            "OPTIONS rtsp://camera/1 RTSP/1.0\r\n",
            "INVITE sip:bob@biloxi SIP/2.0\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET / HTTP/1.1x\r\n",
            "GET /\u{7f} HTTP/1.1\r\n",
            "MAIL FROM:<a@b>\r\n",
            "(GET) / HTTP/1.1\r\n",
        ] {
            assert!(!is_request(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_same_line_is_the_same_request() {
        let one = request(b"GET /a HTTP/1.1\r\nx-attempt: 1\r\n").fingerprint;
        assert_eq!(
            request(b"GET /a HTTP/1.1\r\nx-attempt: 2").fingerprint,
            one,
            "headers aren't part of it"
        );
        assert_ne!(request(b"GET /b HTTP/1.1\r\n").fingerprint, one);
        assert_ne!(request(b"PUT /a HTTP/1.1\r\n").fingerprint, one);
    }

    #[test]
    fn status_lines_are_read() {
        let read = |text: &str| answer(text.as_bytes()).map(|a| (a.status.unwrap(), a.failed));
        assert_eq!(read("HTTP/1.1 200 OK\r\n"), Some((200, false)));
        assert_eq!(read("HTTP/1.0 503 Service Unavailable"), Some((503, true)));
        assert_eq!(read("HTTP/1.1 429 Too Many Requests"), Some((429, true)));
        assert_eq!(read("HTTP/1.1 404 "), Some((404, false)));
    }

    #[test]
    fn what_is_not_a_status_line_is_not_read() {
        for text in [
            "",
            "HTTP/1.1",
            "HTTP/1.1 2",
            "HTTP/1.1 2x0 OK",
            "HTTP/2.0 200",
            "+PONG\r\n",
        ] {
            assert_eq!(answer(text.as_bytes()), None, "{text}");
        }
    }
}
