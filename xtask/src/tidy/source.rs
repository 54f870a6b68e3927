//! A Rust file as the rules look at it: its text, and its code with comments and the insides of
//! strings blanked, so that a rule about a name does not fire on a sentence about it.

/// One Rust file.
pub(super) struct Source {
    /// Its path in the repository, with `/`.
    pub(super) file: String,
    /// As it was written.
    pub(super) text: String,
    /// As long and with the same lines, but comments and strings are spaces.
    pub(super) code: String,
}

impl Source {
    /// Takes a file's path in the repository and its text.
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            code: blank(text),
        }
    }

    /// Its lines as they were written.
    pub(super) fn lines(&self) -> Vec<&str> {
        self.text.lines().collect()
    }

    /// The crate and the modules the file is, from its path: `probe-user/src/kernel/maps.rs` is
    /// `kernel`, `maps` of `probe-user`. Files outside `src` have the file's name as their only module.
    pub(super) fn modules(&self) -> (&str, Vec<&str>) {
        let (package, rest) = self.file.split_once('/').unwrap_or(("", &self.file));
        let rest = rest.trim_end_matches(".rs");
        let mut modules: Vec<_> = match rest.strip_prefix("src/") {
            Some(inside) => inside.split('/').collect(),
            None => rest.rsplit('/').take(1).collect(),
        };
        if modules
            .last()
            .is_some_and(|last| ["main", "lib", "mod"].contains(last))
        {
            modules.pop();
        }
        (package, modules)
    }
}

/// Replaces what is not code by spaces, byte for byte.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    while code.len() < bytes.len() {
        let at = code.len();
        let end = at + skipped(&bytes[at..], at.checked_sub(1).map(|before| bytes[before]));
        if end == at {
            code.push(bytes[at]);
        } else {
            let kept = |byte: &u8| if *byte == b'\n' { b'\n' } else { b' ' };
            code.extend(bytes[at..end].iter().map(kept));
        }
    }
    // Only whole characters were replaced, each byte by a space, so this is never lossy.
    String::from_utf8_lossy(&code).into_owned()
}

/// How many bytes at the start of `rest` are a comment, a string or a character; 0 if it is code.
fn skipped(rest: &[u8], before: Option<u8>) -> usize {
    let in_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match rest {
        [b'/', b'/', ..] => find(rest, b"\n").unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => string(rest),
        [b'r', b'"' | b'#', ..] if !in_word => raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !in_word => raw_string(rest, 2),
        [b'\'', ..] => character(rest),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// A raw string whose quotes or hashes begin after `prefix` letters; `r#type` is none.
fn raw_string(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest[prefix..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    if rest.get(prefix + hashes) != Some(&b'"') {
        return 0;
    }
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let inside = prefix + hashes + 1;
    find(&rest[inside..], &end).map_or(rest.len(), |at| inside + at + end.len())
}

/// A character literal; 0 for a lifetime.
fn character(rest: &[u8]) -> usize {
    match rest {
        [_, b'\\', _, more @ ..] => 3 + find(more, b"'").map_or(more.len(), |at| at + 1),
        _ => {
            let text = String::from_utf8_lossy(&rest[1..rest.len().min(6)]).into_owned();
            let first = text.chars().next().map_or(0, char::len_utf8);
            if rest.get(1 + first) == Some(&b'\'') {
                2 + first
            } else {
                0
            }
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        let code = blank(text);
        assert_eq!(code.len(), text.len());
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn blanks_comments() {
        assert_eq!(code("a // aya::Ebpf\nb"), "a b");
        assert_eq!(code("a /* x /* nested */ y */ b /// doc"), "a b");
        assert_eq!(code("//! aya\nuse x;"), "use x;");
    }

    #[test]
    fn blanks_strings() {
        assert_eq!(code(r#"f("aya \" // no", b"tokio") + 1"#), "f( , b ) + 1");
        assert_eq!(code(r###"f(r#"aya " x"#, br"y\", r"z")"###), "f( , , )");
        assert_eq!(
            code("let r#type = 1; for x in y"),
            "let r#type = 1; for x in y"
        );
    }

    #[test]
    fn tells_characters_from_lifetimes() {
        assert_eq!(code(r"f('\'', '{', 'é', '\u{1F600}')"), "f( , , , )");
        assert_eq!(code("fn f<'a>(x: &'a str) {}"), "fn f<'a>(x: &'a str) {}");
    }

    #[test]
    fn names_modules_by_path() {
        let modules = |file: &str| Source::new(file, "").modules().1.join("::");
        assert_eq!(modules("probe-user/src/kernel/maps.rs"), "kernel::maps");
        assert_eq!(modules("probe-user/src/main.rs"), "");
        assert_eq!(modules("tests/tests/loss.rs"), "loss");
    }
}
