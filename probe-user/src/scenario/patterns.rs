//! Reads `[[expect.pattern]]`: which resilience pattern is expected of a dependency's callers, and
//! with which parameters.

use std::time::Duration;

use super::error::ScenarioError;
use super::sections::{lasting, promise};
use super::table::Table;
use super::{Dependency, keys};
use crate::mistake::Mistake;
use crate::pattern::finding::Backoff;
use crate::plan::Share;
use crate::quantity::{Bound, Times};

/// What is expected of the calls to one dependency.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PatternExpectation {
    /// Name of the dependency.
    pub on: String,
    /// That callers give up, and when.
    pub timeout: Option<Bound<Duration>>,
    /// See [`RetryExpectation`].
    pub retry: Option<RetryExpectation>,
    /// See [`BreakerExpectation`].
    pub circuit_breaker: Option<BreakerExpectation>,
    /// See [`BulkheadExpectation`].
    pub bulkhead: Option<BulkheadExpectation>,
    /// That the service does without, and how well its own calls go then.
    pub fallback: Option<Option<Bound<Share>>>,
    /// That calls are refused under overload, and how many of them.
    pub load_shedding: Option<Option<Bound<Share>>>,
}

/// What is expected of retries.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RetryExpectation {
    /// Attempts, the first one included.
    pub attempts: Option<Bound<Times>>,
    /// How waits grow.
    pub backoff: Option<Backoff>,
    /// Whether waits differ.
    pub jitter: Option<bool>,
    /// Attempts over calls while they fail.
    pub amplification: Option<Bound<Times>>,
}

/// What is expected of a circuit breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BreakerExpectation {
    /// Time from the first fault to its opening.
    pub opens_within: Option<Duration>,
    /// Time from the last fault's end to its closing.
    pub recloses_within: Option<Duration>,
}

/// What is expected of a bulkhead.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BulkheadExpectation {
    /// Calls in flight.
    pub limit: Option<Bound<Times>>,
    /// Dependencies that have to go on as before.
    pub isolates: Vec<String>,
}

/// Reads all of them.
pub(super) fn read_all(
    expect: &Table<'_>,
    dependencies: &[Dependency],
) -> Result<Vec<PatternExpectation>, ScenarioError> {
    let tables = expect.tables("pattern")?;
    tables.iter().map(|it| read(it, dependencies)).collect()
}

fn read(table: &Table<'_>, known: &[Dependency]) -> Result<PatternExpectation, ScenarioError> {
    table.allow(keys::PATTERN)?;
    let names: Vec<(&str, &str)> = known.iter().map(|it| (&*it.name, &*it.name)).collect();
    let example = format!("\"{}\"", names.first().map_or("payments", |it| it.0));
    let on = table.required("on", &example, table.choice("on", &names)?)?;
    let patterns: Vec<&str> = keys::PATTERN
        .iter()
        .filter(|it| **it != "on")
        .copied()
        .collect();
    if patterns.iter().all(|key| table.key(key).is_none()) {
        let mistake = Mistake::new(format!("{} names no pattern", table.title()));
        return Err(table.error(mistake.hint(format!("add one of {}", patterns.join(", ")))));
    }
    Ok(PatternExpectation {
        on: on.value.to_owned(),
        timeout: promise(table, "timeout", false)?,
        retry: table.table("retry")?.map(|it| retry(&it)).transpose()?,
        circuit_breaker: table
            .table("circuit_breaker")?
            .map(|it| breaker(&it))
            .transpose()?,
        bulkhead: table
            .table("bulkhead")?
            .map(|it| bulkhead(&it, &names))
            .transpose()?,
        fallback: table
            .table("fallback")?
            .map(|it| share(&it, keys::FALLBACK, true))
            .transpose()?,
        load_shedding: table
            .table("load_shedding")?
            .map(|it| share(&it, keys::LOAD_SHEDDING, false))
            .transpose()?,
    })
}

fn retry(table: &Table<'_>) -> Result<RetryExpectation, ScenarioError> {
    table.allow(keys::RETRY)?;
    let kinds = [
        ("none", Backoff::None),
        ("fixed", Backoff::Fixed),
        ("linear", Backoff::Linear),
        ("exponential", Backoff::Exponential),
    ];
    Ok(RetryExpectation {
        attempts: promise(table, "attempts", false)?,
        backoff: table.choice("backoff", &kinds)?.map(|it| it.value),
        jitter: table.flag("jitter")?.map(|it| it.value),
        amplification: promise(table, "amplification", false)?,
    })
}

fn breaker(table: &Table<'_>) -> Result<BreakerExpectation, ScenarioError> {
    table.allow(keys::BREAKER)?;
    let within = |key: &str| -> Result<Option<Duration>, ScenarioError> {
        Ok(lasting(table, key)?.map(|it| it.value))
    };
    Ok(BreakerExpectation {
        opens_within: within("opens_within")?,
        recloses_within: within("recloses_within")?,
    })
}

fn bulkhead(
    table: &Table<'_>,
    names: &[(&str, &str)],
) -> Result<BulkheadExpectation, ScenarioError> {
    table.allow(keys::BULKHEAD)?;
    let isolates = table.texts("isolates", "[\"inventory\"]")?;
    let isolates = isolates.map(|it| it.value).unwrap_or_default();
    for name in &isolates {
        if !names.iter().any(|it| it.0 == name.value) {
            let known: Vec<&str> = names.iter().map(|it| it.0).collect();
            let mistake = Mistake::new(format!("isolates: unknown \"{}\"", name.value));
            return Err(table.error_at(name, super::nearest::suggest(mistake, &name.value, &known)));
        }
    }
    Ok(BulkheadExpectation {
        limit: promise(table, "limit", false)?,
        isolates: isolates.into_iter().map(|it| it.value).collect(),
    })
}

fn share(
    table: &Table<'_>,
    keys: &[&str],
    large: bool,
) -> Result<Option<Bound<Share>>, ScenarioError> {
    table.allow(keys)?;
    keys.first()
        .map_or(Ok(None), |key| promise(table, key, large))
}
