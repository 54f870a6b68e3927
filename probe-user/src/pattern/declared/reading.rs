//! Reads a declared policy. Every word is checked: a misspelt one would never be compared.

use toml::{Table, Value};

use super::super::finding::{Backoff, Jitter};
use super::{Breaker, Policy, Said, Tries};
use crate::mistake::Mistake;
use crate::quantity::parse_duration;

/// Reads policies, one `[[dependency]]` each.
///
/// # Errors
/// A [`Mistake`] that names the dependency and the key.
pub fn read(text: &str) -> Result<Vec<Policy>, Mistake> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let told = error.to_string();
        let told: Vec<_> = told
            .lines()
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .collect();
        Mistake::new(format!("declared policy: {}", told.join(" ")))
    })?;
    only(&table, &["dependency"]).map_err(|it| it.in_place("declared policy"))?;
    let Some(Value::Array(all)) = table.get("dependency") else {
        return Err(Mistake::new("declared policy: it names no dependency")
            .hint("begin with [[dependency]] and name = \"payments\""));
    };
    all.iter().map(policy).collect()
}

fn policy(value: &Value) -> Result<Policy, Mistake> {
    let table = as_table(value, "dependency")?;
    let name = match table.get("name") {
        Some(Value::String(name)) => name.clone(),
        _ => return Err(Mistake::new("declared policy: a dependency has no name")),
    };
    read_policy(table, &name).map_err(|it| it.in_place(&format!("declared policy of \"{name}\"")))
}

fn read_policy(table: &Table, name: &str) -> Result<Policy, Mistake> {
    only(
        table,
        &[
            "name",
            "timeout",
            "retry",
            "circuit_breaker",
            "bulkhead",
            "fallback",
            "load_shedding",
        ],
    )?;
    Ok(Policy {
        name: name.to_owned(),
        timeout: said(table, "timeout", |it| milliseconds(it, "timeout"))?,
        retry: said(table, "retry", tries)?,
        circuit_breaker: said(table, "circuit_breaker", breaker)?,
        bulkhead: said(table, "bulkhead", |it| count(it, "bulkhead"))?,
        fallback: flag(table, "fallback")?,
        load_shedding: flag(table, "load_shedding")?,
    })
}

/// `false`, or what `read` makes of it.
fn said<T>(
    table: &Table,
    key: &str,
    read: impl Fn(&Value) -> Result<T, Mistake>,
) -> Result<Option<Said<T>>, Mistake> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::Boolean(false)) => Ok(Some(Said::No)),
        Some(value) => Ok(Some(Said::Yes(read(value)?))),
    }
}

fn tries(value: &Value) -> Result<Tries, Mistake> {
    let table = as_table(value, "retry")?;
    only(
        table,
        &["attempts", "backoff", "base", "multiplier", "cap", "jitter"],
    )?;
    let growth = [
        ("none", Backoff::None),
        ("fixed", Backoff::Fixed),
        ("linear", Backoff::Linear),
        ("exponential", Backoff::Exponential),
    ];
    let scatter = [
        ("none", Jitter::None),
        ("full", Jitter::Full),
        ("partial", Jitter::Partial),
    ];
    Ok(Tries {
        attempts: optional(table, "attempts", count)?,
        backoff: optional(table, "backoff", |it, key| word(it, key, &growth))?,
        base_ms: optional(table, "base", milliseconds)?,
        multiplier: optional(table, "multiplier", factor)?,
        cap_ms: optional(table, "cap", milliseconds)?,
        jitter: optional(table, "jitter", |it, key| word(it, key, &scatter))?,
    })
}

fn breaker(value: &Value) -> Result<Breaker, Mistake> {
    let table = as_table(value, "circuit_breaker")?;
    only(table, &["failures", "open", "probes"])?;
    Ok(Breaker {
        failures: optional(table, "failures", count)?,
        open_ms: optional(table, "open", milliseconds)?,
        probes: optional(table, "probes", count)?,
    })
}

fn optional<T>(
    table: &Table,
    key: &str,
    read: impl Fn(&Value, &str) -> Result<T, Mistake>,
) -> Result<Option<T>, Mistake> {
    table.get(key).map(|value| read(value, key)).transpose()
}

fn only(table: &Table, known: &[&str]) -> Result<(), Mistake> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Mistake::new(format!("\"{key}\" is not known"))
            .hint(format!("there are {}", known.join(", ")))),
    }
}

fn as_table<'a>(value: &'a Value, key: &str) -> Result<&'a Table, Mistake> {
    value.as_table().ok_or_else(|| {
        Mistake::new(format!("{key} is no table"))
            .hint(format!("write {key} = {{ … }}, or {key} = false"))
    })
}

fn milliseconds(value: &Value, key: &str) -> Result<f64, Mistake> {
    let Some(text) = value.as_str() else {
        return Err(Mistake::new(format!("{key} is no duration")).hint("write \"500ms\""));
    };
    let duration = parse_duration(text).map_err(|it| it.in_place(key))?;
    Ok(duration.as_secs_f64() * 1e3)
}

fn count(value: &Value, key: &str) -> Result<u32, Mistake> {
    let whole = value.as_integer().and_then(|it| u32::try_from(it).ok());
    whole
        .filter(|it| *it > 0)
        .ok_or_else(|| Mistake::new(format!("{key} is no number above 0")))
}

fn factor(value: &Value, key: &str) -> Result<f64, Mistake> {
    let number = value.as_float().or(value.as_integer().map(|it| it as f64));
    number
        .filter(|it| it.is_finite() && *it > 0.0)
        .ok_or_else(|| Mistake::new(format!("{key} is no number above 0")))
}

fn flag(table: &Table, key: &str) -> Result<Option<bool>, Mistake> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::Boolean(yes)) => Ok(Some(*yes)),
        Some(_) => Err(Mistake::new(format!("{key} is neither true nor false"))),
    }
}

fn word<T: Copy>(value: &Value, key: &str, known: &[(&str, T)]) -> Result<T, Mistake> {
    let found = value
        .as_str()
        .and_then(|text| known.iter().find(|(word, _)| *word == text));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = known.iter().map(|(word, _)| *word).collect();
        Mistake::new(format!("{key} is none of its kinds"))
            .hint(format!("there are {}", words.join(", ")))
    })
}
