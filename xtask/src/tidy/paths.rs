//! Every path that a file's code names, `use` trees taken apart and `super` resolved, so that
//! `use std::{fs, io}` and `std::fs::read` are the same thing to a rule.

use super::source::Source;

/// A path such as `std::fs::read` and where it stands.
#[derive(Debug, PartialEq)]
pub(super) struct Named {
    /// From 1.
    pub(super) line: usize,
    /// Its segments; `crate`, `self` and `super` are resolved to a leading `crate`.
    pub(super) segments: Vec<String>,
    /// Whether it stands in a test module.
    pub(super) in_test: bool,
}

/// A word or a sign of the code, and its line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Finds all paths of two segments or more, and all that `use` brings in.
pub(super) fn named(source: &Source) -> Vec<Named> {
    let (_, modules) = source.modules();
    let tokens = tokens(&source.code);
    let mut walk = Walk {
        tokens: &tokens,
        at: 0,
        in_test: modules.last() == Some(&"tests"),
        modules: modules.into_iter().map(str::to_owned).collect(),
        opened: Vec::new(),
        depth: 0,
        found: Vec::new(),
    };
    while walk.at < tokens.len() {
        walk.step();
    }
    walk.found
}

/// Splits code into words, `::` and single signs.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (number, text) in code.lines().enumerate() {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let word = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                _ => word,
            };
            let (token, after) = rest.split_at(length);
            if !first.is_whitespace() {
                tokens.push(Token {
                    text: token,
                    line: number + 1,
                });
            }
            rest = after;
        }
    }
    tokens
}

struct Walk<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    in_test: bool,
    modules: Vec<String>,
    /// Inline modules that are open: the depth of braces outside each, and `in_test` outside.
    opened: Vec<(usize, bool)>,
    depth: usize,
    found: Vec<Named>,
}

impl Walk<'_> {
    fn text(&self, ahead: usize) -> &str {
        self.tokens
            .get(self.at + ahead)
            .map_or("", |token| token.text)
    }

    fn step(&mut self) {
        match self.text(0) {
            "use" => {
                self.at += 1;
                self.use_tree(&[]);
            }
            "mod" if self.text(2) == "{" => {
                let name = self.text(1).to_owned();
                self.opened.push((self.depth, self.in_test));
                self.in_test |= name == "tests";
                self.modules.push(name);
                self.at += 2;
            }
            "{" => (self.depth, self.at) = (self.depth + 1, self.at + 1),
            "}" => self.close(),
            text if is_word(text) && self.text(1) == "::" => self.path(),
            _ => self.at += 1,
        }
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth = self.depth.saturating_sub(1);
        if let Some((depth, in_test)) = self.opened.pop() {
            if depth == self.depth {
                self.modules.pop();
                self.in_test = in_test;
            } else {
                self.opened.push((depth, in_test));
            }
        }
    }

    /// A path in the middle of code.
    fn path(&mut self) {
        let line = self.tokens[self.at].line;
        let mut segments = vec![self.text(0).to_owned()];
        self.at += 1;
        while self.text(0) == "::" && is_word(self.text(1)) {
            segments.push(self.text(1).to_owned());
            self.at += 2;
        }
        self.push(line, segments);
        // What follows a `::<` is read as paths of its own.
        if self.text(0) == "::" {
            self.at += 1;
        }
    }

    /// What follows `use`, or a part of it after `{` or `,`.
    fn use_tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.text(0) {
                "::" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(0), "}" | "" | ";") {
                        self.use_tree(&segments);
                        if self.text(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += usize::from(self.text(0) == "}");
                    return;
                }
                "as" => self.at += 2,
                text if is_word(text) || text == "*" => {
                    segments.push(text.to_owned());
                    self.at += 1;
                }
                text => {
                    // What is neither is not a `use` at all, as in a macro: go on after it.
                    self.at += usize::from(!matches!(text, "}" | "," | ";"));
                    break;
                }
            }
        }
        self.push(line, segments);
    }

    fn push(&mut self, line: usize, mut segments: Vec<String>) {
        if matches!(
            segments[..].first().map(String::as_str),
            Some("self" | "super")
        ) {
            let mut base = self.modules.clone();
            while segments
                .first()
                .is_some_and(|first| first == "super" || first == "self")
            {
                if segments.remove(0) == "super" {
                    base.pop();
                }
            }
            base.insert(0, "crate".to_owned());
            segments.splice(0..0, base);
        }
        self.found.push(Named {
            line,
            segments,
            in_test: self.in_test,
        });
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(file: &str, text: &str) -> Vec<String> {
        let named = named(&Source::new(file, text));
        named
            .iter()
            .map(|path| format!("{} {}", path.line, path.segments.join("::")))
            .collect()
    }

    #[test]
    fn takes_use_trees_apart() {
        let text = "use std::{fs, net::{IpAddr, TcpStream as Stream}};\npub(crate) use aya;\n";
        let expected = [
            "1 std::fs",
            "1 std::net::IpAddr",
            "1 std::net::TcpStream",
            "2 aya",
        ];
        assert_eq!(paths("probe-user/src/model.rs", text), expected);
    }

    #[test]
    fn finds_paths_in_code() {
        let text = "fn f() {\n  let x: Vec<aya::Ebpf> = std::fs::read::<tokio::Sender>(y.aya);\n}";
        let expected = ["2 aya::Ebpf", "2 std::fs::read", "2 tokio::Sender"];
        assert_eq!(paths("probe-user/src/model.rs", text), expected);
    }

    #[test]
    fn resolves_super_and_inline_modules() {
        let text =
            "use super::tui;\nmod tests {\n use super::*;\n fn f() { x::y() }\n}\nuse self::a;";
        let expected = [
            "1 crate::tui",
            "3 crate::report::*",
            "4 x::y",
            "6 crate::report::a",
        ];
        assert_eq!(paths("probe-user/src/report.rs", text), expected);
        let source = Source::new("probe-user/src/report.rs", text);
        let in_test: Vec<_> = named(&source).iter().map(|path| path.in_test).collect();
        assert_eq!(in_test, [false, true, true, false]);
    }
}
