//! Which names are asked for: a name, or one with a star for anything.

use std::fmt;

use probe_common::rule::{MAX_NAME_PATTERN, NamePattern};

use crate::mistake::Mistake;

/// A pattern of names, in small letters, as the kernel compares it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Name(NamePattern);

impl Name {
    /// Reads a name, or one with a star.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.is_empty() {
            return Err(Mistake::new("it is empty").hint("write payments.internal or *.internal"));
        }
        let is_known = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
        if let Some(odd) = name.chars().find(|c| !is_known(*c)) {
            let mistake = Mistake::new(format!("\"{text}\": '{odd}' is in no name"));
            return Err(mistake.hint(match odd.is_ascii() {
                true => "letters, digits, -, _ and . are, and one * stands for anything",
                false => "write it as it is asked for, in punycode: xn--...",
            }));
        }
        if name
            .split('.')
            .any(|label| label.is_empty() || label.len() > 63)
        {
            return Err(
                Mistake::new(format!("\"{text}\": a part is empty or longer than 63"))
                    .hint("write payments.internal or *.internal"),
            );
        }
        let (prefix, suffix) = match name.split_once('*') {
            Some((_, suffix)) if suffix.contains('*') => {
                return Err(Mistake::new(format!("\"{text}\" has more than one *"))
                    .hint("write one, as in *.internal or payments.*"));
            }
            Some((prefix, suffix)) => (prefix, Some(suffix)),
            None => (name.as_str(), None),
        };
        let pattern = pattern(prefix, suffix).ok_or_else(|| {
            Mistake::new(format!(
                "\"{text}\" is longer than {MAX_NAME_PATTERN} letters"
            ))
            .hint("put a * for a part of it")
        })?;
        Ok(Self(pattern))
    }

    /// What a rule says; `None` where it says any name.
    pub(super) fn of(pattern: NamePattern) -> Option<Self> {
        (pattern != NamePattern::ANY).then_some(Self(pattern))
    }

    /// What a rule is to say.
    pub(super) fn pattern(&self) -> NamePattern {
        self.0
    }
}

fn pattern(prefix: &str, suffix: Option<&str>) -> Option<NamePattern> {
    let mut pattern = NamePattern {
        prefix: u8::try_from(prefix.len()).ok()?,
        suffix: u8::try_from(suffix.unwrap_or("").len()).ok()?,
        starred: u8::from(suffix.is_some()),
        ..NamePattern::ANY
    };
    let both = [prefix, suffix.unwrap_or("")].concat();
    pattern
        .text
        .get_mut(..both.len())?
        .copy_from_slice(both.as_bytes());
    Some(pattern)
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = &self.0;
        // Another probe's rule may say anything.
        let (prefix, rest) = pattern
            .text
            .split_at(MAX_NAME_PATTERN.min(pattern.prefix.into()));
        let suffix = &rest[..rest.len().min(pattern.suffix.into())];
        f.write_str(&String::from_utf8_lossy(prefix))?;
        if pattern.starred != 0 {
            f.write_str("*")?;
        }
        f.write_str(&String::from_utf8_lossy(suffix))
    }
}
