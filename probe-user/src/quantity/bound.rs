//! Bounds on quantities: `>= 99%`, `<= 400ms`, `< 50% for 5s`.

use std::fmt;
use std::time::Duration;

use super::{parse_duration, parse_share, words};
use crate::mistake::Mistake;
use crate::plan::Share;

/// Enough decimals for what people write as a limit.
const EXACT: usize = 6;

/// How a measured value has to stand to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `<`
    Below,
}

impl Relation {
    /// As it is typed.
    pub fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::Below => "<",
        }
    }

    /// Whether larger values satisfy it.
    pub fn wants_large(self) -> bool {
        matches!(self, Self::AtLeast | Self::Above)
    }
}

/// Something that can be measured, bounded and told.
pub trait Measure: Copy + PartialOrd + Sized {
    /// Reads one.
    fn parse(text: &str) -> Result<Self, Mistake>;
    /// As it is typed: "400ms", "99%".
    fn typed(self) -> String;
    /// As it is read, with so many decimals: "400 ms", "98.2%".
    fn told(self, decimals: usize) -> String;
    /// An example of it, as it is typed.
    const EXAMPLE: &str;
}

impl Measure for Duration {
    fn parse(text: &str) -> Result<Self, Mistake> {
        parse_duration(text)
    }
    fn typed(self) -> String {
        words::typed_duration(self)
    }
    fn told(self, decimals: usize) -> String {
        match u64::try_from(self.as_micros()) {
            Ok(us @ 1..) if decimals <= 1 => words::microseconds(us),
            _ => words::duration(self, decimals),
        }
    }
    const EXAMPLE: &str = "400ms";
}

impl Measure for Share {
    fn parse(text: &str) -> Result<Self, Mistake> {
        parse_share(text)
    }
    fn typed(self) -> String {
        words::typed_share(self.value())
    }
    fn told(self, decimals: usize) -> String {
        if decimals <= 1 {
            words::share(self.value())
        } else {
            format!("{}%", words::trimmed(self.value() * 100.0, decimals))
        }
    }
    const EXAMPLE: &str = "99%";
}

/// How many, or how many times as many; it has no unit.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Times(pub f64);

impl Measure for Times {
    fn parse(text: &str) -> Result<Self, Mistake> {
        let number = text.trim().parse::<f64>().ok();
        let number = number.filter(|it| it.is_finite() && *it >= 0.0);
        number
            .map(Self)
            .ok_or_else(|| Mistake::new(format!("\"{text}\" is no number")).hint("write <= 3"))
    }
    fn typed(self) -> String {
        words::trimmed(self.0, EXACT)
    }
    fn told(self, decimals: usize) -> String {
        words::trimmed(self.0, decimals)
    }
    const EXAMPLE: &str = "3";
}

/// A limit and on which side of it a value has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound<T> {
    /// On which side.
    pub relation: Relation,
    /// Of what.
    pub limit: T,
}

impl<T: Measure> Bound<T> {
    /// Reads a bound: `>= 99%`.
    ///
    /// # Errors
    /// A [`Mistake`] where the comparison is missing or unknown, or the value is malformed.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let (relation, rest) = split_relation(text.trim())
            .ok_or_else(|| no_comparison(text.trim(), &format!(">= {}", T::EXAMPLE)))?;
        Ok(Self {
            relation,
            limit: T::parse(rest)?,
        })
    }

    /// Whether a measured value satisfies it.
    pub fn holds(&self, value: T) -> bool {
        match self.relation {
            Relation::AtLeast => value >= self.limit,
            Relation::AtMost => value <= self.limit,
            Relation::Above => value > self.limit,
            Relation::Below => value < self.limit,
        }
    }

    /// The measured value to read, with as many decimals as it takes not to look like the
    /// limit where it isn't: 98.97 % against `>= 99%` is "98.97%", not "99%".
    pub fn tell(&self, value: T) -> String {
        let limit = self.limit.told(EXACT);
        (1..=5)
            .map(|decimals| value.told(decimals))
            .find(|told| *told != limit || value == self.limit)
            .unwrap_or_else(|| value.told(9))
    }

    /// The bound to read: "<= 1 s".
    pub fn told(&self) -> String {
        format!("{} {}", self.relation.sign(), self.limit.told(EXACT))
    }
}

impl<T: Measure> fmt::Display for Bound<T> {
    /// The bound as it is typed: `<= 1s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.relation.sign(), self.limit.typed())
    }
}

/// A bound, and for how long a value has to satisfy it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sustained<T> {
    /// The bound.
    pub bound: Bound<T>,
    /// For how long.
    pub duration: Duration,
}

impl<T: Measure> Sustained<T> {
    /// Reads a bound with its duration: `< 50% for 5s`.
    ///
    /// # Errors
    /// As [`Bound::parse`], and where the duration is missing or zero.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let text = text.trim();
        let example = format!("< {} for 5s", T::EXAMPLE);
        let Some((bound, duration)) = text.split_once(" for ") else {
            // The bound's own mistake comes first: it is nearer the beginning.
            Bound::<T>::parse(text)?;
            return Err(Mistake::new(format!("\"{text}\" doesn't say for how long"))
                .hint(format!("write \"{text} for 5s\"")));
        };
        let bound = Bound::parse(bound)?;
        let duration = parse_duration(duration)?;
        if duration.is_zero() {
            return Err(
                Mistake::new(format!("\"{text}\" lasts no time")).hint(format!("write {example}"))
            );
        }
        Ok(Self { bound, duration })
    }
}

impl<T: Measure> fmt::Display for Sustained<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.bound, self.duration.typed())
    }
}

fn split_relation(text: &str) -> Option<(Relation, &str)> {
    const SIGNS: [(&str, Relation); 6] = [
        (">=", Relation::AtLeast),
        ("≥", Relation::AtLeast),
        ("<=", Relation::AtMost),
        ("≤", Relation::AtMost),
        (">", Relation::Above),
        ("<", Relation::Below),
    ];
    SIGNS
        .iter()
        .find_map(|(sign, relation)| text.strip_prefix(sign).map(|rest| (*relation, rest)))
}

fn no_comparison(text: &str, example: &str) -> Mistake {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        Mistake::new(format!("\"{text}\" has no comparison"))
            .hint(format!("write \">= {text}\" or \"<= {text}\""))
    } else {
        Mistake::new(format!("\"{text}\" is no bound")).hint(format!("write it as \"{example}\""))
    }
}
