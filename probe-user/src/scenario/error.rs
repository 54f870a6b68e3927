//! What is wrong with a scenario, and where.

use std::fmt;

use crate::mistake::Mistake;

/// The first mistake in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to write instead.
    pub mistake: Mistake,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.mistake)
    }
}

impl std::error::Error for ScenarioError {}

/// A scenario's text, to tell lines by.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// The line that a byte of the text is on, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// A mistake at a byte of the text.
    pub(super) fn error(&self, offset: usize, mistake: Mistake) -> ScenarioError {
        ScenarioError {
            file: self.file.to_owned(),
            line: self.line(offset),
            mistake,
        }
    }

    /// A syntax error, in the TOML reader's words.
    pub(super) fn syntax_error(&self, error: &toml::de::Error) -> ScenarioError {
        let offset = error.span().map_or(self.text.len(), |span| span.start);
        let message = error.message().lines().next().unwrap_or("not TOML");
        let key = error.span().and_then(|span| self.text.get(span));
        let message = match key.filter(|_| message == "duplicate key") {
            Some(key) => format!("the key \"{}\" is there twice", key.trim()),
            None => message.to_owned(),
        };
        self.error(offset, Mistake::new(format!("not TOML: {message}")))
    }
}
