//! What faults are told, wherever it was written: on a command line or in a step of a scenario.

use crate::mistake::Mistake;
use crate::plan::Share;
use crate::quantity::{parse_duration, parse_share};
use crate::scenario::nearest::suggest;

/// The longest that a packet can be asked to wait, in nanoseconds: half an hour. Reckoning in
/// the kernel is exact up to there.
const LONGEST_WAIT_NS: u64 = 1_800_000_000_000;

/// Something that a fault can be told.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name as an option of the command line, without the dashes at its front.
    pub name: &'static str,
    /// Whether it stands by itself on a command line, without its name.
    pub is_amount: bool,
    /// What stands for its value in help texts.
    pub value: &'static str,
    /// A value.
    pub example: &'static str,
    /// What it is about.
    pub help: &'static str,
    /// What it looks like.
    pub form: Form,
}

/// What an argument looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A quantity with its unit, or a word.
    Text,
    /// A bare number.
    Number,
}

impl Argument {
    /// One that stands by itself on a command line.
    pub(super) const fn amount(
        name: &'static str,
        value: &'static str,
        example: &'static str,
    ) -> Self {
        Self {
            name,
            is_amount: true,
            value,
            example,
            help: "",
            form: Form::Text,
        }
    }

    /// One that is named.
    pub(super) const fn option(
        name: &'static str,
        value: &'static str,
        example: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            is_amount: false,
            value,
            example,
            help,
            form: Form::Text,
        }
    }

    /// The same, a bare number.
    pub(super) const fn number(self) -> Self {
        Self {
            form: Form::Number,
            ..self
        }
    }

    /// Its key in a scenario.
    pub fn key(&self) -> String {
        self.name.replace('-', "_")
    }
}

/// What a mistake is about.
#[derive(Clone, Copy, Debug)]
pub enum About<'a> {
    /// The fault's name; the mistake says so itself.
    Name,
    /// The fault as a whole.
    Fault,
    /// An argument that was given.
    Argument(&'a Argument),
}

/// Where arguments are read from.
pub trait Arguments {
    /// A mistake, and where it is.
    type Error;

    /// Reads an argument; `None` where it isn't given.
    ///
    /// # Errors
    /// Where `parse` refuses it.
    fn read<T>(
        &self,
        argument: &Argument,
        parse: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Result<Option<T>, Self::Error>;

    /// Whether an argument is given.
    fn has(&self, argument: &Argument) -> bool;

    /// An argument's name, as it is written.
    fn shown(&self, argument: &Argument) -> String;

    /// How to give an argument.
    fn written(&self, argument: &Argument) -> String;

    /// A mistake, put where it belongs.
    fn error(&self, about: About<'_>, mistake: Mistake) -> Self::Error;

    /// Reads an argument that has to be there.
    ///
    /// # Errors
    /// Where it isn't, or `parse` refuses it.
    fn needed<T>(
        &self,
        argument: &Argument,
        parse: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Result<T, Self::Error> {
        self.read(argument, parse)?.ok_or_else(|| {
            let mistake = Mistake::new(format!("{} is missing", argument.value));
            self.error(About::Fault, mistake.hint(self.written(argument)))
        })
    }

    /// Refuses an argument that means nothing without another.
    ///
    /// # Errors
    /// Where it is given.
    fn refuse_without(&self, argument: &Argument, other: &Argument) -> Result<(), Self::Error> {
        if !self.has(argument) || self.has(other) {
            return Ok(());
        }
        let mistake = Mistake::new(format!("means nothing without {}", self.shown(other)));
        Err(self.error(About::Argument(argument), mistake.hint(self.written(other))))
    }
}

/// Reads a share of packets. None of them may be meant, to see what an armed rule costs that
/// touches nothing; a share too small to count is a slip.
pub(super) fn packets(text: &str) -> Result<Share, Mistake> {
    let share = parse_share(text)?;
    if share != Share::NONE && share.parts() == 0 {
        let mistake = Mistake::new(format!("{text} would touch no packet"));
        return Err(mistake.hint("write 0.000001% or more; or 0%, if none is meant"));
    }
    Ok(share)
}

/// Reads how much of a draw is the one before.
pub(super) fn correlation(text: &str) -> Result<Share, Mistake> {
    let share = parse_share(text)?;
    match share {
        Share::ALL => {
            Err(Mistake::new("100% would decide once for all packets").hint("write 99% or less"))
        }
        share => Ok(share),
    }
}

/// Reads for how long a packet is to wait: nanoseconds, not zero.
pub(super) fn wait(text: &str) -> Result<u64, Mistake> {
    match u64::try_from(parse_duration(text)?.as_nanos()) {
        Ok(0) => Err(Mistake::new("no packet would wait")),
        Ok(ns @ ..=LONGEST_WAIT_NS) => Ok(ns),
        _ => Err(
            Mistake::new(format!("{text} is longer than a packet can wait"))
                .hint("write 30m or less; blackhole keeps packets for good"),
        ),
    }
}

/// Reads one of a few words.
pub(super) fn choice<T: Copy>(choices: &[(&str, T)], text: &str) -> Result<T, Mistake> {
    let found = choices.iter().find(|(word, _)| *word == text);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        suggest(Mistake::new(format!("unknown \"{text}\"")), text, &words)
    })
}

/// The word for one of a few choices.
pub(super) fn word<T: PartialEq>(choices: &[(&'static str, T)], choice: &T) -> &'static str {
    let found = choices.iter().find(|(_, it)| it == choice);
    found.map_or("", |(word, _)| word)
}
