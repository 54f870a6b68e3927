//! Words on stdout and stderr: colour where it is wanted, and no panic where nobody reads.

use std::{
    ffi::OsString,
    io::{self, ErrorKind, IsTerminal, Write},
};

use anyhow::{Context, Result};
use clap::ValueEnum;

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Parts of a text that look different, as SGR codes.
#[derive(Clone, Copy, Debug)]
pub enum Paint {
    /// Something went well.
    Good,
    /// Something to look at.
    Warning,
    /// Something went wrong.
    Bad,
    /// Something to do.
    Hint,
    /// What matters less.
    Faint,
}

impl Color {
    /// Whether stdout is to be coloured.
    pub fn on_stdout(self) -> bool {
        self.on(io::stdout().is_terminal())
    }

    /// Whether stderr is to be coloured.
    pub fn on_stderr(self) -> bool {
        self.on(io::stderr().is_terminal())
    }

    fn on(self, is_terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

impl From<Color> for clap::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

impl Paint {
    /// The text, coloured if `on`.
    pub fn text(self, text: &str, on: bool) -> String {
        let code = match self {
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "1;31",
            Self::Hint => "36",
            Self::Faint => "2",
        };
        if on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// How many columns stdout has, where it is a terminal.
pub fn terminal_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    crate::tui::columns()
}

/// The colour asked for, found before the rest is understood, so that also complaints about the
/// rest look as asked.
pub fn asked_for(words: &[OsString]) -> Color {
    let words: Vec<_> = words.iter().filter_map(|word| word.to_str()).collect();
    let value = words.iter().enumerate().find_map(|(at, word)| match *word {
        "--color" => words.get(at + 1).copied(),
        word => word.strip_prefix("--color="),
    });
    value
        .and_then(|value| Color::from_str(value, false).ok())
        .unwrap_or(Color::Auto)
}

/// Prints to stdout. That nobody reads it (any more) is not an error.
///
/// # Errors
/// Where it can't be written for another reason, a full disk for one.
pub fn say(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("writing to stdout"),
    }
}

/// Prints to stderr, if it can be.
pub fn tell(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
