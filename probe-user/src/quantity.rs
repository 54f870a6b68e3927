//! Quantities as people write them: `200ms`, `10%`, `1mbit`, `64kb`, and bounds on them.
//!
//! A bare number where a unit is due is a mistake, never a guess. No input makes this panic.

use std::time::Duration;

use crate::mistake::Mistake;
use crate::plan::Share;

pub mod bound;
mod number;
pub mod words;

pub use bound::{Bound, Measure, Relation, Sustained, Times};
use number::{Number, split_number};

/// The longest duration that is understood: a year.
const LONGEST: u128 = 366 * 86_400 * 1_000_000_000;

const TIME_UNITS: [(&str, u64); 8] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
];

/// Reads a duration: `200ms`, `1.5s`, `1m30s`. Units are h, m, s, ms, us and ns, each at most
/// once and the larger first.
///
/// # Errors
/// A [`Mistake`] that names what was written, where it is no duration or longer than a year.
pub fn parse_duration(text: &str) -> Result<Duration, Mistake> {
    let whole = text.trim();
    let mut rest = whole;
    let mut total: u128 = 0;
    let mut last_unit = u64::MAX;
    refuse_sign_or_nothing(whole, "a duration", "200ms, 5s or 1m30s")?;
    while !rest.is_empty() {
        let Some((number, after)) = split_number(rest) else {
            return Err(no_duration(whole));
        };
        let end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit = unit.trim();
        if unit.is_empty() {
            return Err(Mistake::new(format!("{whole} has no unit"))
                .hint(format!("write {whole}ms or {whole}s")));
        }
        let size = time_unit(unit, whole)?;
        if size >= last_unit {
            return Err(no_duration(whole));
        }
        last_unit = size;
        total += number
            .times(u128::from(size))
            .ok_or_else(|| too_long(whole))?;
        rest = after.trim_start();
    }
    if total > LONGEST {
        return Err(too_long(whole));
    }
    Ok(Duration::from_nanos(total as u64))
}

/// Reads a share: `10%`, `0.5%`.
///
/// # Errors
/// A [`Mistake`] where it has no `%`, is negative, or is more than 100 %.
pub fn parse_share(text: &str) -> Result<Share, Mistake> {
    let whole = text.trim();
    refuse_sign_or_nothing(whole, "a share", "10%")?;
    let no_share =
        || Mistake::new(format!("\"{whole}\" is no share")).hint("write a percentage, as 10%");
    let (number, unit) = split_number(whole).ok_or_else(no_share)?;
    match unit.trim() {
        "%" => {}
        "" => {
            return Err(Mistake::new(format!("{whole} has no unit"))
                .hint(format!("write {}", as_percentage(whole, &number))));
        }
        _ => return Err(no_share()),
    }
    Share::new(number.value() / 100.0).ok_or_else(|| {
        Mistake::new(format!("{whole} is more than all")).hint("shares go from 0% to 100%")
    })
}

/// Reads a rate in bits a second: `1mbit`, `500kbit`. Units are decimal, as on the wire.
///
/// # Errors
/// A [`Mistake`] that names what was written.
pub fn parse_rate(text: &str) -> Result<u64, Mistake> {
    const UNITS: [(&str, u64); 4] = [
        ("bit", 1),
        ("kbit", 1_000),
        ("mbit", 1_000_000),
        ("gbit", 1_000_000_000),
    ];
    parse_scaled(text, "a rate", "1mbit", &UNITS)
}

/// Reads a size in bytes: `64kb`. A kb is 1024 bytes, as `tc` has it.
///
/// # Errors
/// A [`Mistake`] that names what was written.
pub fn parse_size(text: &str) -> Result<u64, Mistake> {
    const UNITS: [(&str, u64); 4] = [("b", 1), ("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)];
    parse_scaled(text, "a size", "64kb", &UNITS)
}

/// Reads a count: `100`.
///
/// # Errors
/// A [`Mistake`] where it is no whole number.
pub fn parse_count(text: &str) -> Result<u64, Mistake> {
    let whole = text.trim();
    refuse_sign_or_nothing(whole, "a count", "100")?;
    let is_number = whole.bytes().all(|byte| byte.is_ascii_digit());
    whole.parse().ok().filter(|_| is_number).ok_or_else(|| {
        Mistake::new(format!("\"{whole}\" is no count")).hint("write a whole number, as 100")
    })
}

fn time_unit(unit: &str, whole: &str) -> Result<u64, Mistake> {
    // U+03BC, the Greek letter, is as common for micro as U+00B5, the sign.
    let unit = unit.to_lowercase().replace('μ', "µ");
    TIME_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, size)| *size)
        .ok_or_else(|| {
            Mistake::new(format!("\"{whole}\" has no unit of time that is known"))
                .hint("units are h, m, s, ms, us and ns: 200ms, 5s or 1m30s")
        })
}

fn refuse_sign_or_nothing(whole: &str, what: &str, example: &str) -> Result<(), Mistake> {
    if whole.is_empty() {
        return Err(
            Mistake::new(format!("nothing where {what} is due")).hint(format!("write {example}"))
        );
    }
    if whole.starts_with(['-', '−']) {
        return Err(Mistake::new(format!("{whole} is negative"))
            .hint(format!("write {what}, as {example}")));
    }
    Ok(())
}

fn parse_scaled(
    text: &str,
    what: &str,
    example: &str,
    units: &[(&str, u64)],
) -> Result<u64, Mistake> {
    let whole = text.trim();
    refuse_sign_or_nothing(whole, what, example)?;
    let wrong = || Mistake::new(format!("\"{whole}\" is not {what}"));
    let (number, unit) =
        split_number(whole).ok_or_else(|| wrong().hint(format!("write it as {example}")))?;
    let unit = unit.trim();
    if unit.is_empty() {
        let names: Vec<String> = units
            .iter()
            .skip(1)
            .take(2)
            .map(|(name, _)| format!("{whole}{name}"))
            .collect();
        return Err(Mistake::new(format!("{whole} has no unit"))
            .hint(format!("write {}", names.join(" or "))));
    }
    let (_, size) = units
        .iter()
        .find(|(name, _)| *name == unit.to_ascii_lowercase())
        .ok_or_else(|| {
            let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
            wrong().hint(format!("units are {}", names.join(", ")))
        })?;
    number
        .times(u128::from(*size))
        .and_then(|value| u64::try_from(value).ok())
        .ok_or_else(|| Mistake::new(format!("{whole} is too large")))
}

fn as_percentage(whole: &str, number: &Number) -> String {
    let value = number.value();
    if value > 0.0 && value < 1.0 {
        format!("{}% or {whole}%", (value * 100_000.0).round() / 1_000.0)
    } else {
        format!("{whole}%")
    }
}

fn no_duration(whole: &str) -> Mistake {
    Mistake::new(format!("\"{whole}\" is no duration")).hint("write 200ms, 5s or 1m30s")
}

fn too_long(whole: &str) -> Mistake {
    Mistake::new(format!("{whole} is longer than a year"))
}

#[cfg(test)]
mod tests;
