//! A labelled case: clients and their configuration, what happens to them, and what is true.

use anyhow::{Context, Result};
use serde_json::{Map, Value};

const CASES: &str = include_str!("../../patterns/cases.json");

/// How long a fault is on unless a case says otherwise, in seconds.
const FAULT_S: u64 = 8;

/// One of `tests/patterns/cases.json`.
#[derive(Clone, Debug)]
pub struct Case {
    /// Nobody else's.
    pub name: String,
    /// As `probe inject` takes it; empty for none.
    pub fault: String,
    /// How long the fault is on.
    pub fault_s: u64,
    /// Whether it is among the few that `cargo xtask test` runs.
    pub in_sample: bool,
    /// Who calls the server; each is judged by itself.
    pub clients: Vec<Client>,
}

/// A process that calls the server.
#[derive(Clone, Debug)]
pub struct Client {
    /// python, node, rust or curl.
    pub program: String,
    /// What it is told.
    pub configuration: Value,
    /// Whether each pattern is to be observed, and its parameters; what isn't named isn't judged.
    pub truth: Map<String, Value>,
}

/// Every case there is.
///
/// # Errors
/// Where one can't be read.
pub fn all() -> Result<Vec<Case>> {
    let cases: Vec<Value> = serde_json::from_str(CASES).context("tests/patterns/cases.json")?;
    cases.iter().map(Case::read).collect()
}

impl Case {
    fn read(value: &Value) -> Result<Self> {
        let first = std::iter::once(value);
        let beside = value.get("beside");
        Ok(Self {
            name: word(value, "name")?,
            fault: word(value, "fault")?,
            fault_s: value["for_s"].as_u64().unwrap_or(FAULT_S),
            in_sample: value["sample"] == true,
            clients: first
                .chain(beside)
                .map(Client::read)
                .collect::<Result<_>>()?,
        })
    }
}

impl Client {
    fn read(value: &Value) -> Result<Self> {
        Ok(Self {
            program: word(value, "program")?,
            configuration: value["client"].clone(),
            truth: value["truth"].as_object().context("no truth")?.clone(),
        })
    }
}

fn word(value: &Value, key: &str) -> Result<String> {
    let word = value[key].as_str().map(str::to_owned);
    word.with_context(|| format!("no {key} in {value}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn cases_can_be_read_and_told_apart() {
        let cases = all().unwrap();
        let names: HashSet<_> = cases.iter().map(|it| &it.name).collect();
        assert_eq!(names.len(), cases.len());
        assert!(cases.iter().any(|it| it.in_sample));
    }
}
