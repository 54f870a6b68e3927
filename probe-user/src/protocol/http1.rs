//! HTTP/1.x (RFC 9112): the status line.

use super::{Answer, Protocol};

/// Reads an answer's status line; `None` where it isn't one.
///
/// Failed are the statuses that say that the server couldn't (500 and above) or wouldn't now
/// (429). Other refusals are the caller's doing, and an answer to it.
pub fn answer(prefix: &[u8]) -> Option<Answer> {
    let rest = prefix.strip_prefix(b"HTTP/1.")?;
    let [b'0' | b'1', b' ', a, b, c, ..] = rest else {
        return None;
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let status = digit(a)? * 100 + digit(b)? * 10 + digit(c)?;
    Some(Answer {
        protocol: Protocol::Http1,
        status: Some(status),
        failed: status >= 500 || status == 429,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
